"""Parametric Augmentation for Time Series Contrastive Learning (arXiv:2402.10434).

    paper                             here                              differs from the paper
    encoder f             4.1         encoders/tcn.py                   hears log-mels as well
    augmentation h, g     Eqs. 3-6    layers/parametric_augment.py      raw logits; theirs an option
    divergence            Eq. 7       objectives/mmd.py
    size of the mask      Eq. 8       objectives/mask_terms.py          a mean over channels
    its smoothness        Eq. 11      objectives/mask_terms.py
    global, local InfoNCE Eqs. 12-13  objectives/series_contrast.py     local: every series counts
    Algorithm 1           3.4         models/pretraining/learned_views.py, training/turns.py
    forecasting, probes   4           training/vector_probe.py          alpha chosen by validation

An augmentation splits each series into what is informative and what is not, rescales the former,
and is trained in turn with the encoder. The claims: its views are worth more than views set by
hand, it finds where the information lies without being told, and it serves real sounds too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.series import Series, SeriesBatch, SeriesBatches
from earshot.data.shared import shared_data
from earshot.data.spoken_digits import digit_clips
from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.features import LogMelConfig
from earshot.layers.parametric_augment import ParametricAugmentConfig
from earshot.layers.tcn_trunk import TcnTrunkConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.learned_views import LearnedViews, LearnedViewsConfig, View
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.combinations import TWELVE, TWELVE_MORE, CombinationConfig, combination_clips
from earshot.synth.motif_series import MotifConfig, MotifSeries
from earshot.synth.seasonal_series import SeasonalConfig, seasonal_series
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.mask_plot import mask_plot
from earshot.training.recipe_run import RecipeRun
from earshot.training.series_figures import (
    clip_figures,
    forecast_figures,
    masked_series,
    series_figures,
)
from earshot.training.turns import TurnBatch, in_turn, updates_in_turn

PAPER = Paper(
    key="autotcl",
    title="Parametric Augmentation for Time Series Contrastive Learning",
    arxiv=("2402.10434",),
    family="representation",
    year=2024,
    claims={
        "views": "Taught by views that a network learns to make, an encoder is worth more than "
        "one taught by views set by hand.",
        "mask": "The network keeps the part of a series that tells its class, without being told.",
        "forecast": "The same on a long seasonal series that a linear map is to forecast.",
        "real": "The same on spoken digits: learnt views against masked stripes.",
    },
)

MASK_NAME = "mask.svg"


@dataclass(frozen=True)
class ToyConfig:
    """What is learnt from without --data: procedural sounds or series, or real spoken digits."""

    kind: Literal["sounds", "motifs", "seasons", "digits"] = "sounds"
    sounds: CombinationConfig = field(
        default_factory=lambda: CombinationConfig(
            kinds=(*TWELVE, *TWELVE_MORE), axes=(), held_out=0.0, n_train=480, n_test=240
        )
    )
    motifs: MotifConfig = field(default_factory=MotifConfig)
    n_train: int = 1_024  # series with motifs
    n_test: int = 512
    seasons: SeasonalConfig = field(default_factory=SeasonalConfig)
    window_steps: int = 160  # of the seasonal series, to train on (paper 257)
    horizons: tuple[int, ...] = (24, 48, 168)  # steps


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    views: LearnedViewsConfig = field(default_factory=LearnedViewsConfig)
    fit: FitConfig = field(default_factory=FitConfig)  # steps: of the encoder alone
    augment_rate: float = 333.0  # learning rate of the augmentation, times the encoder's
    ratio: int = 1  # updates of the encoder for each of the augmentation
    batch_size: int = 32  # over all processes
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """The ETTh1 univariate preset: 26.75 M parameters; 8 series there, 64 mel bands here."""
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(tcn=TcnConfig(n_features=64, center=-40.0, spread=20.0)),
                features=LogMelConfig.panns_16k(),
                window_s=2.56,  # 257 frames (code)
            ),
            views=LearnedViewsConfig(augment=ParametricAugmentConfig(hard=True)),  # code
            fit=FitConfig(
                steps=4_000,  # or 115 epochs, whichever comes first (code)
                learning_rate=3e-5,  # code
                warmup_steps=0,
                schedule="constant",
                weight_decay=0.01,  # AdamW's own
                checkpoint_every=500,
                seed=42,
            ),
            augment_rate=1e-2 / 3e-5,  # code
            batch_size=32,  # code
            seed=42,
        )

    @classmethod
    def small(cls) -> Config:
        """A hundred thousand parameters on sounds of 24 kinds: a minute on one core."""
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(tcn=TcnConfig(40, small_trunk(), center=-50.0, spread=20.0)),
                features=LogMelConfig(
                    sample_rate=16_000, n_fft=512, hop_length=256, n_mels=40, f_max=8_000.0
                ),
                window_s=2.0,
            ),
            views=small_views(),
            fit=FitConfig(steps=120, learning_rate=2e-3, warmup_steps=20),  # (paper 4 000, 3e-5)
            augment_rate=5.0,
        )

    @classmethod
    def motifs(cls) -> Config:
        """Series of four channels in which a motif tells the class: experiments on the views."""
        small = cls.small()
        return replace(
            small,
            model=replace(
                small.model,
                audio=AudioTower(tcn=TcnConfig(4, small_trunk())),
                features=LogMelConfig(n_mels=4),
            ),
            views=replace(small.views, size_target=0.2),
            toy=ToyConfig(kind="motifs"),
        )

    @classmethod
    def seasons(cls) -> Config:
        """A long series of values and phases, encoded causally, to be forecast."""
        small = cls.small()
        trunk = replace(small_trunk(), depth=4, direction="causal")  # sees 124 steps (paper 200)
        return replace(
            small,
            model=replace(
                small.model,
                audio=AudioTower(tcn=TcnConfig(3, trunk)),
                features=LogMelConfig(n_mels=3),
            ),
            batch_size=16,
            toy=ToyConfig(kind="seasons"),
        )

    @classmethod
    def digits(cls) -> Config:
        """Spoken digits at 8 kHz; the test's speaker is heard in no training clip."""
        small = cls.small()
        return replace(
            small,
            model=SoundEncoderConfig(
                audio=AudioTower(tcn=TcnConfig(40, small_trunk(), center=-50.0, spread=20.0)),
                features=replace(LogMelConfig.panns_8k(), n_mels=40),
                window_s=1.0,
            ),
            toy=ToyConfig(kind="digits"),
        )


def small_trunk() -> TcnTrunkConfig:
    """The encoder of the small presets."""
    return TcnTrunkConfig(
        width=24,  # (paper 64)
        depth=3,  # (paper 10)
        dim=48,  # (paper 320)
        causal_kernels=(),  # (paper 1 to 128)
    )


def small_views() -> LearnedViewsConfig:
    """Views and losses of the small presets."""
    augment = TcnTrunkConfig(width=24, depth=3, dim=16, causal_kernels=())
    return LearnedViewsConfig(
        augment=ParametricAugmentConfig(augment, over="time"),
        temperature=0.2,  # (paper 1)
        local_weight=0.0,  # (paper 0.3)
        size_weight=5.0,  # (paper 0.003, on a sum over channels)
        size_target=0.4,
        smooth_weight=0.1,
        smooth="variation",
        average_after=60,  # (paper 0)
    )


def build(config: Config) -> SoundEncoder:
    """The encoder of sound with random weights; what teaches it is models/pretraining's."""
    return build_sound_encoder(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Train on `data`, or on what `config.toy` names, in `out`; then measure the test split.

    The folder then loads as a model that embeds sound. Figures: training/series_figures.py. Of
    series with motifs it also has MASK_NAME, a picture of learnt masks.
    """
    clips = clips_of(config, data)
    series = ([], []) if clips else series_of(config)
    ids = [each.id for each in (clips or series)[0]]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume)
    model = build(config)
    encoder = model.audio_encoder
    if not isinstance(encoder, Tcn):
        raise EarShotError(
            got=f"a {type(encoder).__name__} as the encoder",
            expected="a temporal convolution network, which views of series can teach",
            mend="Set model.audio.tcn, and the others to none.",
        )
    task = LearnedViews(encoder, config.views)
    place = {"rank": this.rank, "world": this.world}
    batches: Callable[[int], Iterator[Any]]
    if clips:
        how = {"sample_rate": model.sample_rate, "max_s": model.window_s}
        batches = this.loader(clips[0], batch_size=config.batch_size, **how).batches
    else:
        _check_channels(encoder, series[0][0])
        batches = SeriesBatches(
            series[0], batch_size=config.batch_size, seed=config.seed, **place
        ).batches
    every = config.ratio if task.learns else None

    def loss_of(turn: TurnBatch) -> dict[str, Tensor]:
        return task(**heard(model, turn.batch), turn=turn.who)

    this.fit(
        nn.ModuleList([task, model.features]),  # the front end has no weights: it follows along
        loss_of,
        in_turn(batches, every),
        replace(config.fit, steps=updates_in_turn(config.fit.steps, every)),
        after_step=task.after_update,
        rate_of=lambda name: config.augment_rate if name.startswith("0.augment.") else 1.0,
    )
    task.take_average()
    model.eval()

    def measure() -> tuple[dict[str, float], list[str]]:
        if clips:
            return clip_figures(model, *clips, config.batch_size, config.seed)
        if config.toy.kind == "motifs":
            if task.learns:
                shown = masked_series(task, series[1][:4])
                write_text(out / MASK_NAME, mask_plot(shown, title="What the mask keeps"))
            return series_figures(task, *series, config.seed), []
        return forecast_figures(encoder, *season(config), config.toy.horizons), []

    return this.finish(model, measure)


def heard(model: SoundEncoder, batch: Batch | SeriesBatch) -> dict[str, Tensor | None]:
    """What the task takes of a batch: frames through the front end, or the series themselves."""
    if isinstance(batch, SeriesBatch):
        return {"frames": batch.frames, "n_frames": batch.n_frames, "focus": batch.focus}
    frames, n_frames = model.frames(batch.waveform, batch.n_samples)
    return {"frames": frames, "n_frames": n_frames, "focus": None}


def clips_of(config: Config, data: ClipSet | None) -> tuple[ClipSet, ClipSet] | None:
    """Training and test clips of `data`, of the digits or of the seed's sounds; None for series."""
    if data is None and config.toy.kind == "digits":
        data = digit_clips(config.seed)
    elif data is None and config.toy.kind == "sounds":
        data = combination_clips(config.seed, config.toy.sounds)
    return None if data is None else train_and_test(data, config.seed)


def series_of(config: Config) -> tuple[list[Series], list[Series]]:
    """Training and test series of the seed; the seasons' are windows of its first part alone."""
    toy = config.toy
    if toy.kind == "motifs":
        world = MotifSeries(config.seed, toy.motifs)
        return world.draw(toy.n_train, "train"), world.draw(toy.n_test, "test")
    frames, (end, _) = season(config)
    begins = range(0, end - toy.window_steps + 1, 8)
    windows = [frames[:, begin : begin + toy.window_steps] for begin in begins]
    return [Series(each, id=f"{i}") for i, each in enumerate(windows)], []


def season(config: Config) -> tuple[np.ndarray, tuple[int, int]]:
    """The seasonal series [3, steps], standardised, and where training and validation end."""
    frames = seasonal_series(config.seed, config.toy.seasons)
    n = frames.shape[1]
    ends = (n * 6 // 10, n * 8 // 10)  # 60 / 20 / 20 % (section 4)
    known = frames[0, : ends[0]]
    frames[0] = (frames[0] - known.mean()) / known.std()
    return frames, ends


def claim() -> Experiment:
    """Views against views on series, forecasts, and digits where they are at hand."""
    others: tuple[tuple[View, str], ...] = (
        ("none", "no view but silenced steps"),
        ("jitter", "jitter and scaling"),
        ("crop", "all but half of the series set to zero"),
        ("random_mask", "half of all values set to zero"),
        ("elsewhere", "control: learnt, but with the mask of another series"),
        ("focus", "the motif itself: a bound, it is told where to look"),
    )
    motifs, seasons, digits = Config.motifs(), Config.seasons(), Config.digits()
    arms = [
        Arm("autotcl", motifs, "motifs in noise: learnt views"),
        *(Arm(view, _with_view(motifs, view), f"motifs in noise: {note}") for view, note in others),
        Arm("untrained", _untrained(motifs), "motifs in noise: control, a random encoder"),
        Arm("seasons_autotcl", seasons, "forecasting: learnt views"),
        Arm("seasons_none", _with_view(seasons, "none"), "forecasting: silenced steps alone"),
        Arm("seasons_jitter", _with_view(seasons, "jitter"), "forecasting: jitter and scaling"),
    ]
    comparisons = [
        *(
            Comparison("views", "probe_accuracy", "autotcl", against)
            for against in ("none", "crop", "random_mask", "jitter", "elsewhere", "untrained")
        ),
        Comparison("views", "knn_accuracy", "autotcl", "none"),
        Comparison("views", "knn_accuracy", "autotcl", "jitter"),
        Comparison("views", "probe_accuracy", "focus", "autotcl", "not below"),
        Comparison("mask", "mask_auroc", "autotcl", 0.5),
        Comparison("mask", "mask_iou", "autotcl", "elsewhere"),
        Comparison("forecast", "skill", "seasons_autotcl", "seasons_none"),
        Comparison("forecast", "skill", "seasons_autotcl", "seasons_jitter"),
    ]
    if shared_data("fsdd") is not None:
        arms += [
            Arm("digits_autotcl", digits, "spoken digits: learnt views"),
            Arm("digits_spec", _with_view(digits, "spec_augment"), "spoken digits: masked stripes"),
            Arm("digits_none", _with_view(digits, "none"), "spoken digits: silenced steps alone"),
            Arm("digits_untrained", _untrained(digits), "spoken digits: control, a random encoder"),
        ]
        comparisons += [
            Comparison("real", "probe_accuracy", "digits_autotcl", "digits_spec"),
            Comparison("real", "probe_accuracy", "digits_autotcl", "digits_none"),
            Comparison("real", "knn_accuracy", "digits_autotcl", "digits_spec"),
            Comparison("real", "knn_accuracy", "digits_autotcl", "digits_untrained"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def _with_view(config: Config, view: View) -> Config:
    return replace(config, views=replace(config.views, view=view))


def _untrained(config: Config) -> Config:
    """One update: as good as none."""
    return replace(_with_view(config, "none"), fit=replace(config.fit, steps=1))


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values


def _check_channels(encoder: Tcn, series: Series) -> None:
    if encoder.config.n_features != len(series.frames):
        raise EarShotError(
            got=f"series of {len(series.frames)} channels for an encoder of "
            f"{encoder.config.n_features}",
            expected="as many",
            mend=f"Set model.audio.tcn.n_features={len(series.frames)}, or start from the "
            "preset of that toy.",
        )
