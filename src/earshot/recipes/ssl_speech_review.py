"""Self-Supervised Speech Representation Learning: A Review (arXiv:2205.10643).

    family                            here                               differs
    generative   APC                  models/pretraining/generative.py   positions of 2 frames
                 Mockingjay, TERA     the same: reconstruction           loss where hidden
    contrastive  CPC                  models/pretraining/contrastive.py,
                                      objectives/cpc.py                  frames, no convolutions
                 wav2vec 2.0          the same, objectives/masked_contrastive.py
    both         w2v-BERT             the same, with a tap               transformer, no conformer
    predictive   HuBERT, 2 rounds     models/pretraining/predictive.py, objectives/masked_units.py,
                                      training/cluster_labels.py
                 BEST-RQ              the same, layers/random_projection.py
                 data2vec             models/pretraining/predictive.py
    benchmark    SUPERB (2105.01051)  training/layer_probe.py, training/speech_probes.py

One small encoder over log-mel frames, one budget, one frozen probe; the objective is all that
changes. The claim: it decides what can be read from the encoder, and from which layer.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.shared import shared_data
from earshot.encoders.frame_encoder import FrameEncoder, FrameEncoderConfig
from earshot.encoders.mel_frames import MelFramesConfig
from earshot.features import LogMelConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.frame_objective import FrameObjective
from earshot.models.pretraining.generative import ReconstructionConfig
from earshot.models.pretraining.predictive import (
    CepstralLabels,
    MaskedPrediction,
    StateLabels,
    UnitsConfig,
)
from earshot.models.pretraining.zoo import (
    CAUSAL,
    OBJECTIVES,
    Objective,
    ZooConfig,
    build_objective,
    second_iteration,
)
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.phone_speech import (
    SAMPLE_RATE,
    PhoneInventory,
    PhoneLanguage,
    PhoneSpeechConfig,
    PhoneUtterance,
)
from earshot.training.cluster_labels import find_clusters
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.labelled_clips import labelled, labelled_digits
from earshot.training.recipe_run import RecipeRun
from earshot.training.speech_probes import SpeechProbeConfig, Spoken, clip_figures, speech_figures

PAPER = Paper(
    key="ssl_speech_review",
    title="Self-Supervised Speech Representation Learning: A Review",
    arxiv=("2205.10643", "2105.01051"),
    family="representation",
    year=2022,
    claims={
        "phones": "With encoder, data and budget fixed, what an objective teaches lets a frozen "
        "probe read phones better than a random encoder or the log-mel does.",
        "families": "Predictive and contrastive aims let phones be read better than generative "
        "ones do, and HuBERT's second round better than its first.",
        "speaker": "Generative aims keep speaker and melody better than predictive ones do.",
        "real": "On spoken digits of a speaker that no probe has heard, encoders taught by made-up "
        "speech beat a random one.",
    },
)


@dataclass(frozen=True)
class ToyConfig:
    """Speech of a made-up language, the clips without --data."""

    speech: PhoneSpeechConfig = field(default_factory=PhoneSpeechConfig)
    n_phones: int = 24
    n_train: int = 800  # utterances without labels
    n_labelled: int = 300  # utterances that probes learn from
    n_test: int = 200
    n_digits: tuple[int, int] = (0, 0)  # real recordings for the probe: training, test


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    objective: Objective | Literal["none"] = "hubert"  # none: the encoder stays random
    iterations: int = (
        1  # of hubert: from the second on labels are clusters of the last one's states
    )
    labelling_layer: int = 2  # whose states those are; the paper's is 6 of 12
    zoo: ZooConfig = field(default_factory=ZooConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 8  # clips, over all processes
    max_s: float = 4.0  # longer clips are cropped to this in training, at random
    probes: SpeechProbeConfig = field(default_factory=SpeechProbeConfig)
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.iterations < 1 or (self.iterations > 1 and self.objective != "hubert"):
            raise EarShotError(
                got=f"iterations={self.iterations} of {self.objective}",
                expected="1, or more of hubert",
                mend="Set objective=hubert or iterations=1.",
            )
        if self.objective != "none" and self.model.audio.frames is None:
            raise EarShotError(
                got=f"objective={self.objective} for an encoder of another kind",
                expected="model.audio.frames",
                mend="Set that encoder, or objective=none to probe another one as it is.",
            )

    @classmethod
    def paper(cls) -> Config:
        """TERA base, the largest model of frames in the review: 21.3 M. Source: arXiv:2007.06028.

        Its numbers stand here as the released code has them (s3prl, pretrain/tera).
        """
        frames = FrameEncoderConfig(
            n_features=80, stack=1, dim=768, depth=3, n_heads=12, positions="sinusoids", dropout=0.3
        )
        mask = SpanMaskConfig(start_probability=0.15 / 7, length=7, least_spans=1)  # 15 %
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(frames=frames), features=_mels(80), window_s=15.0
            ),
            objective="reconstruction",
            zoo=ZooConfig(reconstruction=ReconstructionConfig(mask=mask)),
            fit=FitConfig(
                steps=1_000_000,
                learning_rate=2e-4,
                warmup_steps=70_000,  # 7 %
                clip_norm=5.0,
                checkpoint_every=5_000,
            ),
            batch_size=32,  # the code: 4 times 8
            max_s=15.0,  # 1 500 frames
        )

    @classmethod
    def small(cls) -> Config:
        """0.09 M parameters, taught by 13 minutes of made-up speech in a quarter of a minute."""
        frames = FrameEncoderConfig(dim=48)  # (HuBERT base 768, 12 layers)
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(frames=frames), features=_mels(40), window_s=4.0
            ),
            zoo=ZooConfig(
                mask=SpanMaskConfig(start_probability=0.08, length=4),
                units=UnitsConfig(n_units=32),  # (HuBERT 100, then 500)
            ),
            fit=FitConfig(
                steps=350,  # (HuBERT 250 000, then 400 000)
                learning_rate=3e-3,
                warmup_steps=20,
                betas=(0.9, 0.98),
                weight_decay=0.01,
                clip_norm=5.0,
                checkpoint_every=350,
            ),
            batch_size=8,
            toy=ToyConfig(
                speech=PhoneSpeechConfig(n_followers=3, noise_db=6.0, least_s=0.05, most_s=0.12)
            ),
        )

    @classmethod
    def small_causal(cls) -> Config:
        """The same for `apc` and `cpc`: a GRU that hears no future, 0.05 M parameters."""
        small = cls.small()
        gru = AudioTower(frames=FrameEncoderConfig(kind="gru", dim=48))
        return replace(small, model=replace(small.model, audio=gru), objective="apc")


def _mels(n_mels: int) -> LogMelConfig:
    """25 ms windows every 10 ms."""
    return LogMelConfig(
        sample_rate=SAMPLE_RATE,
        n_fft=400,
        hop_length=160,
        n_mels=n_mels,
        f_max=8_000.0,
        precision="single",
    )


def build(config: Config) -> SoundEncoder:
    """The encoder with random weights; what teaches it is not part of it."""
    return build_sound_encoder(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Teach an encoder in `out` by `data` (made-up speech when None), then probe it frozen.

    The folder then loads as a model. Figures: training/speech_probes.py. Of clips with labels the
    label is probed; of those without nothing is.
    """
    clips = toy_clips(config) if data is None else data
    train, test = (clips, ClipSet([])) if data is None else train_and_test(data, config.seed)
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in train], resume=resume)
    model = build(config)
    if config.objective != "none":
        begun, taught = copy.deepcopy(model.audio_encoder), None
        for number in range(1, config.iterations + 1):
            model.audio_encoder = copy.deepcopy(begun)
            model.to("cpu")  # where clusters are found; the round before may have left it elsewhere
            objective = _objective(config, model, taught, train)
            stage = f"round_{number}" if config.iterations > 1 else ""
            _teach(config, model, objective, this, train, stage)
            taught = model.audio_encoder.to("cpu")

    def measure() -> tuple[dict[str, float], list[str]]:
        return (
            _toy_figures(config, model)
            if data is None
            else _label_figures(config, model, train, test)
        ), []

    return this.finish(model, measure)


def _objective(
    config: Config, model: SoundEncoder, taught: nn.Module | None, clips: ClipSet
) -> FrameObjective:
    """What teaches the model's encoder; where labels are clusters, with these found."""
    encoder, zoo = model.audio_encoder, config.zoo
    assert config.objective != "none"
    assert isinstance(encoder, FrameEncoder)
    if not isinstance(taught, FrameEncoder):
        objective = build_objective(config.objective, encoder, zoo, config.seed)
    else:
        objective = second_iteration(encoder, taught, config.labelling_layer, zoo)
    labels = objective.labels if isinstance(objective, MaskedPrediction) else None
    if isinstance(labels, CepstralLabels | StateLabels):
        find_clusters(labels, model, clips, max_s=config.max_s, seed=config.seed)
    return objective


def _teach(
    config: Config,
    model: SoundEncoder,
    objective: FrameObjective,
    this: RecipeRun,
    clips: ClipSet,
    stage: str,
) -> None:
    """Fit the objective, and with it the model's encoder."""
    parts = nn.ModuleList([objective, model.features])  # what goes to the device together

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        return objective(*model.frames(batch.waveform, batch.n_samples))

    loader = this.loader(
        clips, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=config.max_s
    )
    after = objective.after_update
    this.fit(parts, loss_of, loader.batches, config.fit, stage=stage, after_step=after)


def toy_clips(config: Config) -> ClipSet:
    """The utterances of the toy that have no labels, for the training."""
    said = _said(config.toy, config.seed, "unlabelled", config.toy.n_train)
    return ClipSet([each.clip("train") for each in said], name="phone speech")


@lru_cache(maxsize=3)
def _said(toy: ToyConfig, seed: int, part: str, n: int) -> tuple[PhoneUtterance, ...]:
    """Utterances of the seed's language: made once for all arms of a claim."""
    language = PhoneLanguage(PhoneInventory(seed, toy.n_phones), seed, config=toy.speech)
    return tuple(language.utterances(n, part))


def _toy_figures(config: Config, model: SoundEncoder) -> dict[str, float]:
    """Phones, speaker and melody of made-up speech, and digits of real speech where asked for."""
    toy, seed = config.toy, config.seed
    sizes = {"labelled": toy.n_labelled, "test": toy.n_test}
    train, test = (_known(_said(toy, seed, part, n)) for part, n in sizes.items())
    figures = speech_figures(model, train, test, config.probes, seed)
    if all(toy.n_digits):
        digits = labelled_digits(seed, *toy.n_digits, SAMPLE_RATE)
        figures |= clip_figures(model, *digits, "digits", config.probes, seed)
    return figures


def _known(said: Sequence[PhoneUtterance]) -> Spoken:
    """Utterances as probes take them."""
    return Spoken(
        [each.waveform for each in said],
        [each.frame_phones for each in said],
        {
            "speaker": np.array([each.speaker for each in said]),
            "melody": np.array([each.melody for each in said]),
        },
    )


def _label_figures(
    config: Config, model: SoundEncoder, train: ClipSet, test: ClipSet
) -> dict[str, float]:
    """The label of clips, where they have one."""
    parts = [[clip for clip in part if clip.labels] for part in (train, test)]
    if min(map(len, parts)) < 2:
        return {}
    names = sorted({clip.labels[0] for part in parts for clip in part})
    heard = [labelled(part, names, model.sample_rate) for part in parts]
    return clip_figures(model, heard[0], heard[1], "label", config.probes, config.seed)


def claim() -> Experiment:
    """The table: two baselines, nine objectives; digits where there are recordings."""
    base, causal = Config.small(), Config.small_causal()
    real = shared_data("fsdd") is not None
    if real:
        toy = replace(base.toy, n_digits=(400, 200))
        base, causal = replace(base, toy=toy), replace(causal, toy=toy)
    mels = replace(base.model, audio=AudioTower(mels=MelFramesConfig(n_mels=40)))
    arms = [
        Arm("log_mel", replace(base, model=mels, objective="none"), "no encoder: the frames"),
        Arm("random", replace(base, objective="none"), "control: no training"),
        Arm("random_gru", replace(causal, objective="none"), "control of the causal encoder"),
    ]
    for name in OBJECTIVES:
        start = causal if name in CAUSAL else base
        arms.append(Arm(name, replace(start, objective=name), "taught"))
    arms.append(Arm("hubert_2", replace(base, objective="hubert", iterations=2), "two rounds"))
    return Experiment(
        recipe=PAPER.key,
        arms=tuple(arms),
        comparisons=tuple(comparisons(real=real)),
        measure=measure,
    )


def comparisons(*, real: bool) -> list[Comparison]:
    """What the claims say, arm by arm."""
    taught = (*OBJECTIVES, "hubert_2")
    found = [Comparison("phones", "phones", name, _control(name)) for name in taught]
    found += [Comparison("phones", "phones", name, "log_mel") for name in taught]
    for name in ("hubert_2", "best_rq", "data2vec", "wav2vec2"):
        found.append(Comparison("families", "phones", name, "reconstruction"))
    found += [
        Comparison("families", "phones", "cpc", "apc"),
        Comparison("families", "phones", "hubert_2", "hubert", "not below"),
        Comparison("families", "phones", "hubert_2", "hubert_2", against_figure="phones_shuffled"),
    ]
    for fact in ("speaker", "melody"):
        found.append(Comparison("speaker", fact, "reconstruction", "hubert_2"))
        found.append(Comparison("speaker", fact, "apc", "cpc"))
    if real:
        found += [Comparison("real", "digits", name, _control(name)) for name in taught]
        found += [Comparison("real", "digits", "hubert_2", "log_mel")]
    return found


def _control(objective: str) -> str:
    """The random encoder of the kind that an objective teaches."""
    return "random_gru" if objective in CAUSAL else "random"


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
