"""COCONUT: Continual Contrastive Spoken Language Understanding (arXiv:2310.02699).

    paper                          here                              differs from the paper
    audio encoder, decoder  3.1    models/spoken_intent.py,
                                   models/wav2vec2.py
    rehearsal memory        3.1    data/rehearsal.py                 herding as iCaRL has it
    NSPT loss               3.2    objectives/nspt.py                index set reconstructed
    multimodal loss         3.3    objectives/infonce.py
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
from earshot.data.class_incremental import (
    Tasks,
    check_spoken_intents,
    class_incremental,
    label_of,
    of_labels,
)
from earshot.data.rehearsal import Memory, at_least, herding, rehearsed
from earshot.data.shared import shared_data
from earshot.data.spoken_digits import digit_clips
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
from earshot.training.understanding import intent_accuracy, pooled_features, word_errors

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

Recordings = Literal["words", "digits"]


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
    recordings: Recordings = "words"  # without --data: procedural, or recorded
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
            most_tokens=16,
        )
        return cls(
            model=SpokenIntentConfig(writer),
            fit=FitConfig(steps=100, learning_rate=2e-3, warmup_steps=10, checkpoint_every=1_000),
            n_rehearsal=16,
            nspt_reduction="mean",  # a sum over 16 anchors outweighs the rest of so small a loss
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
        return figures | {"wer": word_errors(model, vocabulary, test, config.max_s)}, []

    return this.finish(
        model,
        measure,
        vocabulary=vocabulary.to_dict(),
        tasks=[list(labels) for labels in tasks],
        memory=learnt.memory,
    )


class Coconut:
    """The method over one run: how a task is taught, what is kept of it, how it is tested."""

    def __init__(
        self,
        config: Config,
        run: RecipeRun,
        model: SpokenIntent,
        vocabulary: IntentVocabulary,
        tasks: Tasks,
        train: ClipSet,
        test: ClipSet,
    ) -> None:
        self.config, self.run, self.model, self.vocabulary = config, run, model, vocabulary
        self.tasks, self.train, self.test = tasks, train, test
        self.infonce = InfoNCE()
        self.nspt = config.nspt and Nspt(config.nspt, reduction=config.nspt_reduction)

    def teach(self, task: int, memory: Memory) -> None:
        """Train on a task's clips and the memory, held to the model as it is now."""
        config, labels = self.config, self.tasks[task]
        old = [label for labels_before in self.tasks[:task] for label in labels_before]
        teacher = copy.deepcopy(self.model).eval().requires_grad_(False) if old else None
        kept = {each for ids in memory.values() for each in ids}
        n_rehearsal = config.n_rehearsal if kept else 0
        new = self._loader(of_labels(self.train, labels), config.batch_size - n_rehearsal)
        rehearsal = None
        if kept:
            clips = [clip for clip in self.train if clip.id in kept]
            filled = ClipSet(at_least(clips, n_rehearsal), labels=self.train.labels)
            rehearsal = self._loader(filled, n_rehearsal)
        weight = len(old) / (len(old) + len(labels))  # of NSPT: 3.2
        is_old = torch.tensor([label in old for label in self.train.labels])

        def loss_of(batch: Batch) -> Tensor:
            rows = is_old.to(batch.waveform.device)[batch.target]  # [batch], from the memory
            return self.loss(batch, rows, teacher, weight)

        self.run.fit(
            self.model, loss_of, rehearsed(new, rehearsal), config.fit, stage=task_name(task)
        )

    def loss(
        self, batch: Batch, old: Tensor, teacher: SpokenIntent | None, weight: float
    ) -> Tensor:
        """L_CE + mm_weight L_MM + weight L_NSPT of a batch; `old` marks its rehearsal rows."""
        config, model = self.config, self.model
        states = model.hear(batch.waveform, batch.n_samples)
        tokens = self.vocabulary.rows([label_of(clip) for clip in batch.clips], batch.captions)
        tokens = tokens.to(batch.waveform.device)
        loss = model.writer.loss(states, tokens, label_smoothing=config.label_smoothing)
        audio = model.audio_embeddings(states)  # [batch, dim]
        scale = audio.new_tensor(1 / config.temperature)
        turn = int(config.mismatched)  # the control: everyone gets a neighbour's vector
        if config.mm_weight and not bool(old.all()):
            text = model.text_embeddings(tokens[~old]).roll(turn, 0)  # [new, dim]
            loss = loss + config.mm_weight * self.infonce(audio[~old], text, scale)
        if self.nspt and teacher is not None and bool(old.any()):
            before = self._before(batch, old, teacher, turn)
            loss = loss + weight * self.nspt(audio, before, batch.target, old, scale)
        return loss

    def _before(self, batch: Batch, old: Tensor, teacher: SpokenIntent, turn: int) -> Tensor:
        """The teacher's vectors [batch, dim]; zeros for new clips where no loss asks for theirs."""
        asked = torch.ones_like(old) if self.config.nspt == "ntpt" else old
        with torch.no_grad():
            heard = teacher.hear(batch.waveform[asked], batch.n_samples[asked])
            rows = teacher.audio_embeddings(heard).float()
        before = rows.new_zeros(len(old), rows.shape[1])
        before[asked] = rows
        before[old] = before[old].roll(turn, 0)
        return before

    def rank(self, label: str, n: int) -> Sequence[str]:
        """Ids of up to `n` training clips of a label, in the order in which they are kept."""
        clips = of_labels(self.train, [label])
        if self.config.choose == "random":
            order = generator(self.config.seed, "memory", label).permutation(len(clips))[:n]
            return [clips[int(i)].id for i in order]
        features, ids = pooled_features(self.model, clips, self.config.max_s)
        return [ids[i] for i in herding(features.numpy(), n)]

    def test_tasks(self, tasks: Tasks) -> list[float]:
        """Of each task the share of test clips whose intent is written first."""
        max_s = self.config.max_s
        parts = [of_labels(self.test, labels) for labels in tasks]
        return [intent_accuracy(self.model, self.vocabulary, part, max_s) for part in parts]

    def _loader(self, clips: ClipSet, n_rows: int) -> BatchLoader:
        config = self.config
        return self.run.loader(
            clips,
            batch_size=n_rows,
            sample_rate=self.model.sample_rate,
            max_s=config.max_s,
            crop="start",
            bucket=False,  # clips of one length are often clips of one intent
        )


def example_clips(config: Config) -> ClipSet:
    """Procedural words; or recorded digits, whose speakers take turns as the unseen one."""
    if config.recordings == "words":
        return word_clips(config.seed, config.toy)
    return digit_clips(config.seed)


def split_clips(clips: ClipSet, config: Config) -> tuple[ClipSet, ClipSet]:
    """Training and test clips; those known to be longer than max_s are left out of the training."""
    train, test = train_and_test(clips, config.seed)
    check_spoken_intents(train, test)
    return train.select(lambda clip: (clip.known_duration_s or 0.0) <= config.max_s), test


def learn_vocabulary(train: ClipSet, config: Config) -> IntentVocabulary:
    """Ids for the words and intents of all tasks."""
    transcripts = [caption for clip in train for caption in clip.captions]
    intents = sorted({label_of(clip) for clip in train})
    return IntentVocabulary.learn(intents, transcripts, config.words, size=config.n_ids)


def with_vocabulary(config: Config, n_ids: int) -> Config:
    """The config with a model that writes that many ids."""
    writer = replace(config.model.writer, vocab_size=n_ids)
    return replace(config, model=replace(config.model, writer=writer))


def memory_size(config: Config, train: ClipSet) -> int:
    """Clips that may be kept, over all tasks. Raises EarShotError for less than one a label."""
    size, n_labels = round(config.memory * len(train)), len({label_of(clip) for clip in train})
    if config.memory and size < n_labels:
        raise EarShotError(
            got=f"memory={config.memory:g} of {len(train)} clips: {size} for {n_labels} intents",
            expected=f"at least {n_labels}, a clip of each",
            mend="Raise memory, or set it to 0 to go without.",
        )
    return size


def claim() -> Experiment:
    """Replay, both losses, each alone and a control: on procedural words and, where EARSHOT_SHARED
    has the set `fsdd`, on recorded digits by a speaker not heard in training."""
    kinds: list[Recordings] = ["words"]
    if shared_data("fsdd") is not None:
        kinds.append("digits")
    arms, comparisons = [], []
    for recordings in kinds:
        found = _arms(replace(Config.small(), recordings=recordings))
        arms += [
            Arm(f"{recordings} {name}", config, note) for name, (config, note) in found.items()
        ]
        rivals = [name for name in ("er", "mismatched", "fine_tune") if name in found]
        questions = [("coconut", rival) for rival in rivals]
        questions += [(alone, "er") for alone in ("er_nspt", "er_mm") if alone in found]
        comparisons += [
            Comparison("forgetting", figure, f"{recordings} {arm}", f"{recordings} {against}")
            for arm, against in questions
            for figure in ("avg_acc", "last_acc")
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def _arms(base: Config) -> dict[str, tuple[Config, str]]:
    """The arms over one kind of clips: all of a task's steps, batches and task order are shared."""
    replay = replace(base, nspt=None, mm_weight=0.0)
    whole = replace(base.fit, steps=base.fit.steps * base.n_tasks)
    arms = {
        "er": (replay, "replay alone"),
        "coconut": (base, "replay, NSPT and the multimodal loss"),
        "mismatched": (replace(base, mismatched=True), "control: both losses with others' vectors"),
    }
    if base.recordings == "words":
        return arms
    return {
        "fine_tune": (replace(replay, memory=0.0), "no memory"),
        **arms,
        "er_nspt": (replace(base, mm_weight=0.0), "replay and NSPT"),
        "er_mm": (replace(base, nspt=None), "replay and the multimodal loss"),
        "joint": (
            replace(replay, n_tasks=1, memory=0.0, fit=whole), "all labels at once, as many steps"
        ),
    }  # fmt: skip


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
