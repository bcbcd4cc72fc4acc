"""Decoding speech from non-invasive brain recordings (arXiv:2208.12266).

    paper (Methods)                      here                           differs from the paper
    spatial attention, its dropout       layers/spatial_attention.py    redrawn where none is left
    subject layer                        layers/subject_layer.py
    convolutions, gates                  layers/gated_convs.py
    brain module, Deep Mel               models/brain_module.py
    contrastive loss, scores             objectives/sequence_clip.py    equal segments are masked
    mel, wav2vec 2.0 layers              models/speech_targets.py
    scaling, baseline, clamp, shift      data/brain_windows.py
    split by blocks                      data/brain.py                  neighbours are joined
    top-k, words                         metrics/segments.py
    four public data sets                data/bids.py                   any BIDS study; a simulation

A window of brain signal is mapped to a sequence of speech features; the loss asks which of the
batch's segments was heard in it. The claims: that is better than regressing the features; one
network with a matrix a subject is better than one without, and than one trained on a subject
alone; without clamping artefacts ruin it. Figures are of simulated brains: synth/brain.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import ClipSet
from earshot.data.bids import read_bids
from earshot.data.brain import BrainStudy, split_extents
from earshot.data.brain_events import EventColumns
from earshot.data.brain_windows import BrainBatch, BrainWindowConfig
from earshot.features import LogMelConfig
from earshot.models.brain_module import BrainModule, BrainModuleConfig, DeepMelConfig
from earshot.models.predictive_speech import PredictiveSpeechConfig
from earshot.models.speech_targets import FrozenTarget, MelTarget, load_sound_encoder
from earshot.objectives.sequence_clip import SequenceClip
from earshot.synth.brain import BrainSimConfig, simulate_study
from earshot.training.brain import (
    BrainMaterial,
    Listen,
    brain_material,
    decoding_figures,
    taught_speech,
    teach_speech,
)
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="brain_decoding",
    title="Decoding speech perception from non-invasive brain recordings",
    arxiv=("2208.12266",),
    family="representation",
    year=2022,
    claims={
        "contrastive": "In simulated brains, asking which segment was heard finds unheard-of "
        "segments better than regressing their features.",
        "subjects": "One network with a matrix a subject beats one without, and one of a single "
        "subject.",
        "clamp": "Without clamping, artefacts ruin what is learnt.",
        "speech": "Learnt or pre-trained features of speech are a better target than log-mels.",
    },
)

SpeechKind = Literal["track", "mel", "deep_mel", "frozen"]


@dataclass(frozen=True)
class SpeechConfig:
    """What brain signals are compared with."""

    kind: SpeechKind = "deep_mel"  # track: features that the study brings; the others hear sound
    mel: LogMelConfig = field(
        default_factory=lambda: LogMelConfig(
            sample_rate=16_000,
            n_fft=512,
            hop_length=128,
            n_mels=120,
            f_min=0.0,
            f_max=8_000.0,
            mel_scale="htk",
            mel_norm=None,
            floor=1e-20,
        )
    )
    model: str = ""  # of frozen: a run folder, a shipped or a published model
    layers: tuple[int, ...] = ()  # of frozen, averaged; the last one where left out
    taught: PredictiveSpeechConfig | None = None  # of frozen without a model: learnt here, first
    fit: FitConfig = field(default_factory=FitConfig)  # of that


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its study."""

    model: BrainModuleConfig = field(default_factory=BrainModuleConfig)  # dim as the study has
    speech: SpeechConfig = field(default_factory=SpeechConfig)
    windows: BrainWindowConfig = field(default_factory=BrainWindowConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    objective: Literal["contrastive", "regression"] = "contrastive"
    batch_size: int = 256  # windows, over all processes
    mask_same: bool = True  # other subjects' windows of the same segment are no negatives
    n_test: int | None = None  # segments of the test; all where left out
    first_subject: bool = False  # train on the first subject alone
    shuffle_brain: bool = False  # the control: another window's brain signal
    bids: str = ""  # folder of a study; a simulated one where left out
    subjects: tuple[str, ...] = ()  # of the folder; all where left out
    events: EventColumns = field(default_factory=EventColumns)
    toy: BrainSimConfig = field(default_factory=BrainSimConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """The published model on Gwilliams2022, 9.57 M parameters."""
        return cls(
            model=BrainModuleConfig(),
            speech=SpeechConfig(
                kind="frozen",
                model="facebook/wav2vec2-large-xlsr-53",
                layers=(14, 15, 16, 17, 18),
            ),
            fit=FitConfig(
                steps=60_000,  # at most 200 epochs of at most 1 200 updates; stopped early
                learning_rate=3e-4,
                warmup_steps=0,
                schedule="constant",
                checkpoint_every=1_200,
            ),
            mask_same=False,
            seed=2036,
        )

    @classmethod
    def deep_mel(cls) -> Config:
        """The published model beside a speech side of 9.32 M that learns along."""
        paper = cls.paper()
        return replace(
            paper,
            model=replace(paper.model, dim=768, deep_mel=DeepMelConfig()),
            speech=SpeechConfig(kind="deep_mel"),
        )

    @classmethod
    def small(cls) -> Config:
        """A 300th of it on six simulated brains: half a minute on one core."""
        return cls(
            model=BrainModuleConfig(
                n_subjects=6,
                dim=48,
                n_virtual=32,  # (paper 270)
                n_waves=8,  # 128 cosines and sines (paper 2 048)
                width=32,  # (paper 320)
                conv_depth=3,  # (paper 10)
                head_width=64,  # (paper 640)
            ),
            speech=SpeechConfig(kind="track"),
            windows=BrainWindowConfig(
                sample_rate=40.0,  # (paper 120)
                before_s=0.375,  # (paper 0.5)
                after_s=1.5,  # (paper 2.5)
                baseline=False,  # (paper True: recordings drift; the simulation does not)
            ),
            fit=FitConfig(steps=300, learning_rate=2e-3, warmup_steps=20, checkpoint_every=300),
            batch_size=64,
            n_test=150,  # (paper 1 284)
        )

    @classmethod
    def small_speech(cls) -> Config:
        """The same on sound: a language of phones that several voices speak."""
        small = cls.small()
        mel = replace(SpeechConfig().mel, n_fft=1_024, hop_length=400, n_mels=40)
        return replace(
            small,
            model=replace(
                small.model, deep_mel=DeepMelConfig(n_mels=40, width=32, conv_depth=3, dim=48)
            ),
            speech=SpeechConfig(
                kind="deep_mel",
                mel=mel,  # 40 frames a second, 40 mels (paper 125, 120)
                fit=FitConfig(steps=100, learning_rate=2e-3, checkpoint_every=100),
            ),
            fit=replace(small.fit, steps=200, checkpoint_every=200),
            toy=replace(small.toy, spoken=True),
        )


def build(config: Config) -> BrainModule:
    """The model with random weights."""
    return BrainModule(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Train a decoder in `out`, then find the segments that were heard in the test.

    The study is that of config.bids, a simulated one without. The folder then serves
    `earshot decode`. Figures: training/brain.py.
    """
    if data is not None:
        raise EarShotError(
            got="clips of sound",
            expected="recordings of brains",
            mend="Name a BIDS folder instead of --data: --set bids=FOLDER.",
        )
    study = study_of(config)
    extents = split_extents(study, config.seed)
    ids = [recording.id for recording in study.recordings]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume)
    listen = listener(config.speech)
    if config.speech.kind == "frozen" and listen is None:
        taught = config.speech.taught or PredictiveSpeechConfig()
        listen = teach_speech(this, taught, study, extents, config.speech.fit, seed=config.seed)
    material = brain_material(
        study, extents, listen, config.windows, seed=config.seed, n_test=config.n_test
    )
    config = replace(config, model=sizes_for(config, material))
    this.saved_as = (PAPER.key, config)
    model, chosen = build(config), {study.subjects[0]} if config.first_subject else study.subjects
    of_chosen = [each.subject in chosen for each in study.recordings]
    options = {"subjects": study.subjects, "batch_size": config.batch_size, "seed": config.seed}
    train = material.batches(
        [window for window in material.train if of_chosen[window.recording]],
        rank=this.rank,
        world=this.world,
        shuffle_brain=config.shuffle_brain,
        **options,
    )
    test = material.batches([w for w in material.test if of_chosen[w.recording]], **options)
    objective = SequenceClip()

    def loss_of(batch: BrainBatch) -> Tensor:
        estimate = model(batch.brain, batch.positions, batch.subject, batch.padding)
        speech = model.hear(batch.speech)
        if config.objective == "regression":
            return (estimate - speech).square().mean()
        return objective(estimate, speech, batch.segment if config.mask_same else None)

    this.fit(model, loss_of, train.batches, config.fit)
    extra = {
        "subjects": study.subjects,
        "mean": material.mean,
        "std": material.std,
        "simulated": not config.bids,
    }
    return this.finish(
        model, lambda: (decoding_figures(model, test), list(study.notes)), brain=extra
    )


def study_of(config: Config) -> BrainStudy:
    """The recordings that the config names, or simulated ones."""
    if not config.bids:
        return simulate_study(config.seed, config.toy)
    return read_bids(
        Path(config.bids).expanduser(),
        sample_rate=config.windows.sample_rate,
        subjects=config.subjects,
        columns=config.events,
    )


def listener(speech: SpeechConfig, folder: Path | None = None) -> Listen | None:
    """What hears the sounds; None where the study brings features, or hearing is to be learnt.

    folder: of a run that is done, which holds the encoder that was taught in it.
    """
    if speech.kind == "track":
        return None
    if speech.kind == "frozen":
        if not speech.model:
            taught = speech.taught or PredictiveSpeechConfig()
            return None if folder is None else taught_speech(taught, folder)
        return FrozenTarget(load_sound_encoder(speech.model), speech.layers)
    return MelTarget(speech.mel)


def sizes_for(config: Config, material: BrainMaterial) -> BrainModuleConfig:
    """The model's sizes with those that the study decides."""
    sizes = replace(config.model, n_subjects=len(material.study.subjects), deep_mel=None)
    if config.speech.kind != "deep_mel":
        return replace(sizes, dim=material.dim)
    deep = config.model.deep_mel or DeepMelConfig(dim=config.model.dim)
    return replace(sizes, dim=deep.dim, deep_mel=replace(deep, n_mels=material.dim))


def claim() -> Experiment:
    """Arms by objective, subjects and clamp; and by target of speech."""
    base, spoken = Config.small(), Config.small_speech()

    def as_kind(kind: SpeechKind) -> SpeechConfig:
        return replace(spoken.speech, kind=kind)

    no_layer = replace(base.model, subject_layer=False)
    no_clamp = replace(base.windows, clamp=None)
    arms = [
        Arm("contrastive", base, "which segment was heard, six subjects"),
        Arm("regression", replace(base, objective="regression"), "mean squared error instead"),
        Arm("no_subject_layer", replace(base, model=no_layer), "one network, no subject's own"),
        Arm("single_subject", replace(base, first_subject=True), "trained on one subject"),
        Arm("no_clamp", replace(base, windows=no_clamp), "artefacts as they come"),
        Arm("random", replace(base, shuffle_brain=True), "control: another window's signal"),
        Arm("deep_mel", spoken, "sound: a speech side that learns along"),
        Arm("mel", replace(spoken, speech=as_kind("mel")), "sound: log-mels as they are"),
        Arm("frozen", replace(spoken, speech=as_kind("frozen")), "sound: states that foretell it"),
    ]
    comparisons = [
        Comparison("contrastive", "top10", "contrastive", "regression"),
        Comparison("contrastive", "top10", "contrastive", "random"),
        Comparison("subjects", "top10", "contrastive", "no_subject_layer"),
        Comparison("subjects", "first_top10", "contrastive", "single_subject"),
        Comparison("clamp", "top10", "contrastive", "no_clamp"),
        Comparison("speech", "top10", "deep_mel", "mel"),
        Comparison("speech", "top10", "frozen", "mel"),
        Comparison("speech", "top10", "mel", 2 * 10 / 150),  # twice chance
    ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
