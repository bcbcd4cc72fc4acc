"""Scaling Multimodal Pre-Training via Cross-Modality Gradient Harmonization (arXiv:2211.02077), on
VATT (arXiv:2104.11178).

    paper                        here                              differs from the paper
    conflict, realignment (GR)   objectives/harmony.py             three losses or more, too
    curriculum (GC)              training/harmonizer.py            the step is divided by the kept
    sample, micro-batch          training/harmonizer.py            samples at the anchor's embedding
    L_va, L_vt     VATT Eqs. 1-2 objectives/mil_nce.py
    agnostic trunk VATT 3        encoders/agnostic.py              a spectrogram for the video
    heads (FAC)    VATT 3.4      layers/projection.py              LayerNorm, not BatchNorm

Three streams of a clip: its spectrogram (the anchor, in the place of the video), a second view
of its sound, and its caption. The towers of the first and the last serve as a two-tower model;
the second view's encoder is kept beside them in view.safetensors.

The claim: where half of the captions belong to other clips, the gradients of the two losses
conflict on just these, and leaving them out by conflict finds more clips by their captions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.captioned import captions_of, misaligned_captions, train_and_test
from earshot.data.shared import shared_data, shared_folds
from earshot.encoders.agnostic import (
    SpectrogramStemConfig,
    TrunkConfig,
    WaveStemConfig,
    WordStemConfig,
)
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.metrics import text_to_audio
from earshot.models.start import Start
from earshot.models.three_streams import ThreeStreams, ViewConfig, add_view, save_view
from earshot.models.towers import AudioTower, TextTower, TwoTowerConfig, WordText, build_two_tower
from earshot.models.two_tower import TwoTower
from earshot.objectives.mil_nce import JointNCE, MilNCE
from earshot.synth.scene_clips import SceneClipsConfig, scene_clips
from earshot.text.prompts import SOUND
from earshot.training.conflict_plot import conflict_plot
from earshot.training.evaluation import hear_crops, two_tower_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.harmonizer import GradHarmonizer, HarmonyConfig, Mode, Sides, Unit
from earshot.training.harmony_log import harmony_figures, read_harmony
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="gradient_harmonization",
    title="Scaling Multimodal Pre-Training via Cross-Modality Gradient Harmonization",
    arxiv=("2211.02077", "2104.11178"),
    family="alignment",
    year=2022,
    claims={
        "filter": "Where half of the captions belong to other clips, leaving out samples by the "
        "conflict of their gradients finds more clips by their captions, and costs little where "
        "all captions are right.",
        "detect": "The conflict of a sample's gradients tells captions that belong to other clips.",
    },
)


RECORDINGS = "esc10"  # of the claim, where EARSHOT_SHARED has them


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    view: ViewConfig
    harmony: HarmonyConfig = field(default_factory=HarmonyConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # clips, over all processes
    max_s: float = 3.2  # longer clips are cropped to this in training, at random
    temperature: float = 0.07  # fixed: VATT, 4.1
    n_candidates: int = 1  # sentences of a clip that are taken together
    captions_per_keywords: int = 4  # sentences made for a clip that has labels and no caption
    misaligned: float = 0.0  # the experiment: a share of the clips gets other clips' captions
    oracle: bool = False  # the experiment: those are left out, as nobody could who does not know
    prompt: str = SOUND  # for naming clips
    toy: SceneClipsConfig = field(default_factory=SceneClipsConfig)  # the clips without --data
    recordings: str | None = None  # a set under EARSHOT_SHARED in their place, by folds
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.temperature <= 0, f"temperature={self.temperature:g}", "above 0"),
            (self.n_candidates < 1, f"n_candidates={self.n_candidates}", "at least 1"),
        ):
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """VATT's modality-agnostic medium, a spectrogram in the place of the video."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(  # VATT's code: windows of 42.67 ms every 21.33 ms, 80 mels
                    sample_rate=48_000, n_fft=2_048, hop_length=1_024, n_mels=80, f_max=24_000.0
                ),
                audio=AudioTower(agnostic=SpectrogramStemConfig()),
                text=TextTower(agnostic=WordStemConfig()),  # 16 words of 2^16
                projection="fine_to_coarse",  # FAC, VATT 3.4: 512, then 256
                dim=256,
                window_s=3.2,  # 153 600 samples
                fill="zeros",
                trunk=TrunkConfig(),  # VATT, table 1: medium
            ),
            view=ViewConfig(waves=WaveStemConfig()),  # 1 200 patches of 128 samples
            harmony=HarmonyConfig(unit="micro_batch", micro_batch=8),  # per core
            fit=FitConfig(
                steps=500_000,  # VATT 4.1
                learning_rate=1e-4,  # VATT 4.1; then half a cosine to 5e-5 there, to 0 here
                warmup_steps=5_000,  # VATT's code
                checkpoint_every=1_000,
            ),
            batch_size=2_048,  # VATT 4.1
            n_candidates=4,  # neighbouring sentences, VATT 3.1
        )

    @classmethod
    def small(cls) -> Config:
        """Strips of a log-mel, hashed words, and a waveform encoder: a minute on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 48 000)
                    n_fft=512,
                    hop_length=512,
                    n_mels=32,  # (paper 80)
                    f_max=8_000.0,
                ),
                audio=AudioTower(strips=StripTransformerConfig(32, strip=4, dim=64, depth=2)),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(48, 1, 4))),
                dim=32,  # (paper 512 and 256)
                window_s=1.0,  # (paper 3.2)
                fill="none",
            ),
            view=ViewConfig(
                strips=StripTransformerConfig(32, strip=4, dim=48, depth=1),
                turn=True,
                gain_db=6.0,
                noise=0.02,  # the more, the less a clip is known by anything but its sounds
            ),
            harmony=HarmonyConfig(mode="gc"),
            fit=FitConfig(steps=240, learning_rate=3e-3, warmup_steps=20),  # (paper 500 000, 1e-4)
            batch_size=64,  # (paper 2 048)
            max_s=1.0,
        )


def build(config: Config) -> TwoTower:
    """The towers of anchor and text with random weights: what serves afterwards."""
    return build_two_tower(config.model)


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Train on `data` (procedural clips when None) in `out`, then measure the test split.

    `start` is a two-tower model to go on from; the second view begins at random. Clips without
    caption or label take part by their sound alone. The folder then loads as a model.
    """
    clips = own_clips(config) if data is None else data
    train, test = split_clips(clips, config)
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    streams = add_view(this.two_tower(build), config.view)
    with torch.no_grad():
        streams.towers.logit_scale.fill_(math.log(1 / config.temperature)).requires_grad_(False)
    harmonizer = GradHarmonizer(
        config.harmony,
        n_batches=config.fit.steps * config.fit.accumulate,
        model=streams,
        out=out,
    )

    view_loss, text_loss = JointNCE(), MilNCE()

    def loss_of(batch: Batch) -> Tensor | None:
        scale = streams.towers.scale
        wrong = torch.tensor([bool(clip.extra.get("misaligned")) for clip in batch.clips])
        valid = torch.tensor(
            [[bool(text) for text in texts] for texts in candidates_of(batch, config.n_candidates)]
        ).to(scale.device)

        def with_view(anchor: Tensor, view: Tensor) -> Tensor:
            return view_loss(streams.beside_view(anchor), view, scale) / 2

        def with_text(anchor: Tensor, texts: Tensor) -> Tensor:
            return text_loss(streams.beside_text(anchor), texts, scale, valid=valid) / 2

        parts = [embed(streams, part, config.n_candidates) for part in harmonizer.parts(batch)]
        keep = ~wrong if config.oracle else None
        return harmonizer((with_view, with_text), parts, keep=keep, flagged=wrong)

    loader = this.loader(
        train,
        batch_size=config.batch_size,
        sample_rate=streams.sample_rate,
        max_s=min(config.max_s, streams.towers.window_s),
    )
    this.fit(streams, loss_of, harmonizer.follow(loader.batches), config.fit)
    known = {label for clip in train for label in clip.labels}

    def measure_all() -> tuple[dict[str, float], list[str]]:
        save_view(streams, out)
        told = harmony_of(out)
        figures, faults = measure_split(streams.eval(), config, known, test)
        return figures | told, faults

    return this.finish(streams.towers, measure_all)


def embed(streams: ThreeStreams, batch: Batch, n_candidates: int) -> Sides:
    """Anchor, second view and candidate sentences [batch, candidates, dim] of some clips.

    The row of a candidate that is not there is zero.
    """
    texts = candidates_of(batch, n_candidates)
    told = [text for of_clip in texts for text in of_clip if text]
    anchor = streams.anchor(batch.waveform, batch.n_samples)
    dim = streams.beside_text(anchor).shape[1]
    rows = streams.towers.embed_text(told) if told else anchor.new_zeros(0, dim)
    there = torch.tensor([[bool(text) for text in of_clip] for of_clip in texts])
    candidates = rows.new_zeros(len(texts), n_candidates, dim)
    candidates[there.to(rows.device)] = rows
    return Sides(anchor, (streams.view(batch.waveform, batch.n_samples), candidates))


def candidates_of(batch: Batch, n_candidates: int) -> list[list[str]]:
    """The caption that was drawn and others of the clip, "" where it has no more."""
    found = []
    for drawn, captions in zip(batch.captions, batch.all_captions, strict=True):
        others = [caption for caption in captions if caption != drawn]
        texts = [drawn, *others][:n_candidates]
        found.append(texts + [""] * (n_candidates - len(texts)))
    return found


def own_clips(config: Config) -> ClipSet:
    """Clips for a run without any: procedural ones, or recordings whose fold 4 is the test."""
    if config.recordings is None:
        return scene_clips(config.seed, config.toy)
    return shared_folds(config.recordings, "4")


def split_clips(clips: ClipSet, config: Config) -> tuple[ClipSet, ClipSet]:
    """Training clips, with captions where they have words, and test clips."""
    train, test = train_and_test(clips, config.seed)
    n_sentences = config.captions_per_keywords
    told = [
        replace(clip, captions=captions_of(clip, config.seed, n_sentences))
        if clip.captions or clip.labels
        else clip
        for clip in train
    ]
    if not any(clip.captions for clip in told):
        raise EarShotError(
            got="training clips without any caption or label",
            expected="words with some of them",
            mend="Give some clips captions or labels.",
        )
    named = ClipSet(told, name=train.name, labels=train.labels)
    return misaligned_captions(named, config.seed, config.misaligned), test


def measure_split(
    streams: ThreeStreams, config: Config, known: set[str], test: ClipSet
) -> tuple[dict[str, float], list[str]]:
    """Figures of the test split, and a sentence for each clip that could not be read.

    `v2a_r10` is the share of clips found among the first ten by their second view.
    """
    figures, heard = two_tower_figures(streams.towers, test, known, config.prompt)
    if len(heard.clips) < 2:
        return figures, heard.faults
    loader = BatchLoader(
        ClipSet(heard.clips, labels=test.labels),
        batch_size=min(config.batch_size, len(heard.clips)),
        sample_rate=streams.sample_rate,
        max_s=min(config.max_s, streams.towers.window_s),
        seed=config.seed,
        crop="start",
    )
    device = streams.towers.logit_scale.device

    def anchor(waveform: Tensor, n_samples: Tensor) -> Tensor:
        return streams.beside_view(streams.anchor(waveform, n_samples))

    anchors = hear_crops(anchor, loader, device).embeddings
    views = hear_crops(streams.view, loader, device).embeddings
    found = text_to_audio(views @ anchors.T, range(len(views))).values
    return figures | {"v2a_r1": found["R@1"], "v2a_r10": found["R@10"]}, heard.faults


def harmony_of(out: Path) -> dict[str, float]:
    """What the run's log of conflicts came to; its picture is left beside it, conflict.svg."""
    rows = read_harmony(out)
    if len(rows) >= 4:
        picture = conflict_plot(
            rows, plain="own caption", flagged="another's", title="Conflict over the training"
        )
        write_text(out / "conflict.svg", picture)
    return harmony_figures(rows)


def claim() -> Experiment:
    """Both claims: arms, controls and comparisons."""
    half = replace(Config.small(), misaligned=0.5)
    right = replace(half, misaligned=0.0)
    arms: tuple[Arm, ...] = (
        Arm("sum", _with(half, "sum"), "half of the captions are other clips'"),
        Arm("gr", _with(half, "gr"), "realigned, by sample"),
        Arm("gc", _with(half, "gc"), "curriculum, by sample"),
        Arm("gr_gc", _with(half, "gr+gc"), "both, by sample"),
        Arm("gc_micro", _with(half, "gc", "micro_batch"), "curriculum, by micro-batch of 16"),
        Arm("oracle", replace(_with(half, "sum"), oracle=True), "those clips left out, knowing"),
        Arm("right_sum", _with(right, "sum"), "every caption right: plain sum"),
        Arm("right_gc", _with(right, "gc"), "every caption right: curriculum, by sample"),
        Arm("others", _with(replace(half, misaligned=1.0), "gc"), "control: no caption right"),
    )
    comparisons: tuple[Comparison, ...] = (
        Comparison("filter", "t2a_r10", "gc", "sum"),
        Comparison("filter", "t2a_r10", "gr_gc", "sum"),
        Comparison("filter", "t2a_r10", "gr", "sum", "not below"),
        Comparison("filter", "t2a_r10", "gc_micro", "sum"),
        Comparison("filter", "t2a_r10", "oracle", "gc"),
        Comparison("filter", "t2a_r10", "right_gc", "right_sum", "not below"),
        Comparison("filter", "t2a_r10", "gc", "others"),
        Comparison("filter", "v2a_r10", "gc", "sum", "not below"),
        Comparison("detect", "conflict_auc", "gc", 0.6),
        Comparison("detect", "conflict_auc", "sum", 0.6),
        Comparison("detect", "conflict_auc", "gc_micro", 0.6),
    )
    if shared_data(RECORDINGS) is not None:
        real = replace(half, recordings=RECORDINGS, fit=replace(half.fit, steps=120))
        arms += (
            Arm("real_sum", _with(real, "sum"), "recordings, half of the captions others'"),
            Arm("real_gc", _with(real, "gc"), "recordings, curriculum by sample"),
        )
        comparisons += (
            Comparison("filter", "zero_shot", "real_gc", "real_sum"),
            Comparison("detect", "conflict_auc", "real_gc", 0.6),
        )
    return Experiment(PAPER.key, arms, comparisons, measure)


def _with(config: Config, mode: Mode, unit: Unit = "sample") -> Config:
    return replace(config, harmony=replace(config.harmony, mode=mode, unit=unit))


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
