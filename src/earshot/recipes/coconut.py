"""COCONUT: Continual Contrastive Spoken Language Understanding (arXiv:2310.02699).

    paper                          here                              differs from the paper
    audio encoder, decoder  3.1    models/spoken_intent.py,
                                   models/wav2vec2.py
    rehearsal memory        3.1    data/rehearsal.py                 herding as iCaRL has it
    NSPT loss               3.2    objectives/nspt.py                index set reconstructed
    multimodal loss         3.3    objectives/infonce.py             the same for all rehearsal arms
    class-incremental tasks 4.1    data/class_incremental.py, training/continual.py
    Avg Acc, Last Acc       4.1    metrics/continual.py
    distillation baselines  4.2    left out

The claim: at equal memory, the two contrastive losses forget less than replay alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.core.seed import generator
from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.class_incremental import Tasks, class_incremental, label_of, of_labels
from earshot.data.rehearsal import Memory, at_least, herding, rehearsed
from earshot.data.shared import shared_data
from earshot.data.spoken_digits import digit_clips, speakers
from earshot.features import LogMelConfig
from earshot.metrics.continual import continual
from earshot.models.public_weights import load_public_weights
from earshot.models.speech_to_text import SpeechToTextConfig
from earshot.models.spoken_intent import SpokenIntent, SpokenIntentConfig
from earshot.models.wav2vec2 import Wav2Vec2Sizes
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.nspt import Nspt, Variant
from earshot.synth.spoken_words import SpokenWordsConfig, word_clips
from earshot.text.intent_vocabulary import IntentVocabulary
from earshot.text.vocabulary import Kind
from earshot.training.continual import Learner, learn_tasks, task_name
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="coconut",
    title="Continual Contrastive Spoken Language Understanding",
    arxiv=("2310.02699",),
    family="representation",
    year=2024,
    claims={
        "forgetting": "With a memory of 1 % of the clips, contrast with the previous model and "
        "with the words keeps more of what was learnt before than replay alone.",
    },
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SpokenIntentConfig
    fit: FitConfig = field(default_factory=FitConfig)  # of each task
    n_tasks: int = 5
    memory: float = 0.01  # share of the training clips that may be kept, over all tasks
    choose: Literal["herding", "random"] = "herding"
    batch_size: int = 32
    n_rehearsal: int = 8  # of a batch's clips are from the memory, once there is one
    nspt: Variant | None = "nspt"  # None: without
    nspt_reduction: Literal["sum", "mean"] = "sum"
    mm_weight: float = 0.1  # of the multimodal loss; 0: without
    temperature: float = 0.1
    label_smoothing: float = 0.0
    mismatched: bool = False  # the control: teacher's and text vectors are other clips'
    max_s: float = 7.0  # longer clips are left out of the training
    words: Kind = "characters"  # what the transcript is written in
    n_ids: int = 1_000  # at most, of words and intents together
    encoder_weights: str | None = None  # public weights for wav2vec 2.0: a folder or a hub name
    recordings: Literal["words", "digits"] = "words"  # without --data: procedural, or recorded
    toy: SpokenWordsConfig = field(default_factory=SpokenWordsConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (not 0 <= self.memory < 1, f"memory={self.memory:g}", "from 0 to below 1"),
            (not 0 < self.n_rehearsal < self.batch_size, f"n_rehearsal={self.n_rehearsal}",
             f"1 to {self.batch_size - 1}, so that a batch has old and new clips"),
            (not self.temperature > 0, f"temperature={self.temperature:g}", "above 0"),
            (self.mm_weight < 0, f"mm_weight={self.mm_weight:g}", "0 or above"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """wav2vec 2.0 base and six decoder layers on Fluent Speech Commands in six tasks."""
        writer = SpeechToTextConfig(
            vocab_size=1_000,  # 4.1
            dim=768,  # 4.1
            mlp_dim=3_072,  # 4.1
            n_heads=8,  # 4.1
            encoder_depth=0,
            decoder_depth=6,  # 4.1
            conv_kernels=(),
            most_tokens=130,  # the code
        )
        return cls(
            model=SpokenIntentConfig(writer, Wav2Vec2Sizes(), contrast_dim=768),
            fit=FitConfig(
                steps=4_800,  # 40 epochs of a sixth of 23 132 clips
                learning_rate=5e-5,  # the code
                warmup_steps=480,
                weight_decay=0.1,  # the code
                checkpoint_every=1_000,
            ),
            n_tasks=6,  # FSC-6
            words="pieces",
            encoder_weights="facebook/wav2vec2-base-960h",  # 4.1
        )

    @classmethod
    def small(cls) -> Config:
        """Two convolutions, two encoder layers and one decoder layer: seconds a task."""
        writer = SpeechToTextConfig(
            vocab_size=64,  # as many as the clips' words and intents need, in the run
            log_mel=LogMelConfig(
                sample_rate=8_000, n_fft=256, hop_length=80, n_mels=40, f_max=4_000.0
            ),
            n_features=40,
            dim=96,  # (paper 768)
            mlp_dim=192,  # (paper 3 072)
            n_heads=4,
            encoder_depth=2,  # (paper 12, and seven convolutions)
            decoder_depth=1,  # (paper 6)
            conv_dim=192,
            most_tokens=32,
        )
        return cls(
            model=SpokenIntentConfig(writer),
            fit=FitConfig(steps=60, learning_rate=2e-3, warmup_steps=10, checkpoint_every=1_000),
        )


def build(config: Config) -> SpokenIntent:
    """The model with random weights."""
    return SpokenIntent(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Learn the labels of `data` (toy clips when None) task after task in `out`; test after each.

    A clip has one label, its intent, and a caption, its transcript. Figures: those of
    metrics/continual.py, and `wer` of the transcripts after the last task.
    """
    train, test = split_clips(example_clips(config) if data is None else data, config)
    tasks = class_incremental(train, config.n_tasks, config.seed)
    vocabulary = learn_vocabulary(train, config)
    config = with_vocabulary(config, len(vocabulary))
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in train], resume=resume)
    model = build(config)
    if config.encoder_weights is not None:
        load_public_weights(model.writer.encoder, config.encoder_weights)
    method = Coconut(config, this, model, vocabulary, tasks, train, test)
    learnt = learn_tasks(
        tasks,
        Learner(method.teach, method.rank, method.test_tasks),
        memory_size=memory_size(config, train),
        out=out,
    )
    n_clips = [len(of_labels(test, labels)) for labels in tasks]
    figures = continual(learnt.accuracy, n_clips).values

    def measure() -> tuple[dict[str, float], list[str]]:
        return figures | {"wer": method.word_errors()}, []

    return this.finish(
        model,
        measure,
        vocabulary=vocabulary.to_dict(),
        tasks=[list(labels) for labels in tasks],
        memory=learnt.memory,
    )
