"""WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset (arXiv:2303.17395).

    paper                          here                             differs from the paper
    1. pre-filtering     III       factories/web_filter.py
    2. transformation    III       factories/web_write.py           by rule unless a model is named
    3. post-processing   III       factories/web_check.py
    sources, blacklists            data/layouts/wavcaps.py, data/blacklist.py
    audio encoder        IV        encoders/htsat.py                HTSAT starts at random
    text encoder         IV        encoders/pretrained_text.py      BERT, its first token
    projections          IV        layers/projection.py
    loss                 IV        objectives/ase.py                the scale is learnt as a log
    SpecAugment          V         layers/spec_augment.py
    released weights               models/loading/ase.py

The claim: captions cleaned from raw web text teach more than that text, and near as much as true
captions do. What the cleaner takes for inaudible is held against what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, Clip, ClipSet
from earshot.data.captioned import shuffled_captions, train_and_test, with_captions
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.factories.item import Item
from earshot.factories.wavcaps import WavcapsSettings
from earshot.factories.wavcaps import factory as cleaning
from earshot.features import LogMelConfig
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.metrics.caption_events import EventReader, event_figures
from earshot.models.start import Start
from earshot.models.towers import (
    AudioTower,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
    start_text_from,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.ase import AseLoss
from earshot.synth.caption_scenes import CaptionScenesConfig, caption_scenes
from earshot.synth.web_noise import WebNoiseConfig, noisy_records
from earshot.text.caption_form import plain_caption
from earshot.text.prompts import SOUND
from earshot.training.evaluation import two_tower_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="wavcaps",
    title="WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for "
    "Audio-Language Multimodal Research",
    arxiv=("2303.17395",),
    family="captioning",
    year=2024,
    claims={
        "cleaning": "Captions cleaned from raw web text teach a model to find sounds better than "
        "that text does.",
        "near_truth": "They teach most of what the true captions teach.",
        "inaudible": "Records that tell nothing of their sound are told from the others.",
    },
)
Text = Literal["given", "raw", "cleaned"]


@dataclass(frozen=True)
class Toy:
    """Scenes with true captions, and web text around these."""

    n_clips: int = 1_000  # of ten eight are trained on and one is the test
    n_test: int = 200  # more scenes for the test, of another seed
    scenes: CaptionScenesConfig = field(default_factory=CaptionScenesConfig)
    noise: WebNoiseConfig = field(default_factory=WebNoiseConfig)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # clips, over all processes
    max_s: float = 10.0  # longer clips are cropped to this in training, at random
    text: Text = "given"  # captions, the raw description, or what the factory makes of that
    shuffle: bool = False  # the control: every clip gets another one's text
    cleaning: WavcapsSettings = field(default_factory=WavcapsSettings)
    regularise: bool = True  # the loss's terms of spread
    spec_augment: SpecAugmentConfig | None = None
    text_weights: str | None = None  # public weights for the text tower: a folder or a hub name
    prompt: str = SOUND  # for naming clips by labels
    toy: Toy = field(default_factory=Toy)  # the clips without --data
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """HTSAT and BERT-base into 1,024 dimensions: 140 M parameters."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(sample_rate=32_000),  # 64 mels of 50 to 14 000 Hz, hop 320
                audio=AudioTower(htsat=HtsatConfig.tiny()),  # 96 wide, 2-2-6-2, 4-8-16-32 heads
                text=TextTower(published=replace(PublishedText.bert(), max_tokens=30)),
                dim=1_024,
                window_s=10.0,
                fill="zeros",
            ),
            fit=FitConfig(
                steps=53_000,  # 15 epochs of 452 000 pairs
                learning_rate=5e-5,
                warmup_steps=7_000,  # 2 epochs
                checkpoint_every=1_000,
                seed=20,
            ),
            batch_size=128,
            spec_augment=SpecAugmentConfig(),  # 2 stripes of 64 frames, 2 of 8 bands
            text_weights="bert-base-uncased",
            seed=20,
        )

    @classmethod
    def small(cls) -> Config:
        """Strips of a log-mel and a two-layer word transformer: a minute on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 32 000)
                    n_fft=1_024,
                    hop_length=512,  # 126 frames in 4 s (paper 1 001 in 10 s)
                    n_mels=32,  # (paper 64)
                    f_max=8_000.0,
                    precision="single",
                ),
                audio=AudioTower(strips=StripTransformerConfig(32, strip=4, dim=64, depth=2)),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=64))),
                dim=64,  # (paper 1 024)
                window_s=4.0,  # (paper 10)
                fill="none",
            ),
            fit=FitConfig(steps=600, learning_rate=2e-3, warmup_steps=40),  # (53 000, 5e-5)
            batch_size=32,  # (paper 128)
            max_s=4.0,
        )


def build(config: Config) -> TwoTower:
    """The model with random weights."""
    model = build_two_tower(config.model)
    if config.spec_augment is not None:
        model.spec_augment = SpecAugment(config.spec_augment)
    return model


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Train on `data` (scenes in web text when None) in `out`, then measure the test split.

    With text="raw" or "cleaned" a clip's words are its title, description and tags, as a manifest
    names them; the test keeps the captions given. `start` is a model to go on from.
    """
    clips = toy_clips(config) if data is None else data
    train, test = train_and_test(clips, config.seed)
    told, figures = with_text(train, config)
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in told], resume=resume, start=start)
    model, objective = this.two_tower(build), AseLoss(regularise=config.regularise)
    if config.text_weights is not None and start is None:
        start_text_from(model, config.text_weights)

    def loss_of(batch: Batch) -> Tensor:
        audio = model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
        text = model.embed_text([plain_caption(caption) for caption in batch.captions])
        return objective(audio, text, model.scale, groups_of(batch.clips).to(audio.device))

    loader = this.loader(
        told, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=config.max_s
    )
    this.fit(model, loss_of, loader.batches, config.fit)

    def measure_split() -> tuple[dict[str, float], list[str]]:
        known = {label for clip in told for label in clip.labels}
        plain = [replace(c, captions=tuple(map(plain_caption, c.captions))) for c in test]
        held = ClipSet(plain, name=test.name, labels=test.labels)
        measured, heard = two_tower_figures(model.eval(), held, known, config.prompt)
        return measured | figures, heard.faults

    return this.finish(model, measure_split)


def groups_of(clips: list[Clip]) -> Tensor:
    """Numbers of the clips [batch]: captions of one clip are all its positives."""
    numbers: dict[str, int] = {}
    return torch.tensor([numbers.setdefault(clip.id, len(numbers)) for clip in clips])


def toy_clips(config: Config) -> ClipSet:
    """Scenes whose `extra` has the raw record: title, description, and whether it is inaudible.

    All raw records and true captions of a clip are drawn from the same caption, its first.
    """
    toy = config.toy
    scenes = caption_scenes(toy.n_clips + toy.n_test, config.seed, toy.scenes)
    records = noisy_records([clip.captions[0] for clip in scenes], config.seed, toy.noise)
    told = []
    for number, (clip, record) in enumerate(zip(scenes, records, strict=True)):
        about = {"title": record.title, "description": record.description,
                 "inaudible": record.inaudible}  # fmt: skip
        in_training = number < toy.n_clips
        captions = clip.captions[:1] if in_training else clip.captions
        split = "train" if in_training else "test"
        told.append(replace(clip, captions=captions, split=split, extra={**clip.extra, **about}))
    return ClipSet(told, name="web scenes", labels=scenes.labels)


def with_text(train: ClipSet, config: Config) -> tuple[ClipSet, dict[str, float]]:
    """The clips with the words that they are taught by, and figures of these words."""
    if config.text == "given":
        told = with_captions(train, config.seed)
        return (shuffled_captions(told, config.seed) if config.shuffle else told), {}
    records = [web_item(clip) for clip in train]
    if not any(item.source for item in records):
        raise EarShotError(
            got=f"text={config.text!r} for clips without title, description and tags",
            expected="a manifest with these columns, or WavCaps' own files",
            mend="Set text=given, or add the columns.",
        )
    if config.text == "raw":
        words = [" ".join(item.source.values()) for item in records]
        kept = [i for i, text in enumerate(words) if text.strip()]
        figures: dict[str, float] = {}
    else:
        done = clean(records, config.cleaning)
        words = [item.caption for item in done]
        kept = [i for i, item in enumerate(done) if item.rejected is None]
        figures = cleaning_figures(train, done)
    if not kept:
        raise EarShotError(
            got=f"{len(train)} training clips of which no text is left",
            expected="descriptions of what can be heard",
            mend="See `earshot factory run` for why each was rejected.",
        )
    told = ClipSet(
        [replace(train[i], captions=(words[i],)) for i in kept],
        name=train.name,
        labels=train.labels,
    )
    return (shuffled_captions(told, config.seed) if config.shuffle else told), figures


def web_item(clip: Clip) -> Item:
    """A clip as the factory takes it."""
    told = {}
    for name in ("title", "description", "tags", "source"):
        value = clip.extra.get(name)
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(text, str) and text.strip():
            told[name] = text
    return Item(id=clip.id, duration_s=clip.known_duration_s, source=told)


def clean(items: list[Item], settings: WavcapsSettings) -> list[Item]:
    """The items through the three stages, in order."""
    for stage in cleaning(settings).stages:
        waiting = [item for item in items if item.rejected is None]
        worked = iter(list(stage.work(waiting)))
        items = [next(worked) if item.rejected is None else item for item in items]
    return items


def cleaning_figures(train: ClipSet, done: list[Item]) -> dict[str, float]:
    """How much was kept; on scenes also what of it is true, and who told of nothing.

    `inaudible_precision` and `inaudible_recall` are of rejections, of records that tell nothing;
    `told_*` of the sounds that cleaned captions name, of records that tell something.
    """
    kept = [item.rejected is None for item in done]
    figures = {"cleaned_share": sum(kept) / len(kept)}
    silent = [clip.extra.get("inaudible") for clip in train]
    if not all(isinstance(each, bool) for each in silent):
        return figures
    n_right = sum(bool(each) and not k for each, k in zip(silent, kept, strict=True))
    figures["inaudible_precision"] = n_right / max(1, kept.count(False))
    figures["inaudible_recall"] = n_right / max(1, sum(map(bool, silent)))
    rows = [i for i, k in enumerate(kept) if k and not silent[i]]
    if rows:
        events = [train[i].extra["events"] for i in rows]
        of = event_figures([done[i].caption for i in rows], events, EventReader())
        names = ("event_precision", "event_recall", "hallucination_rate")
        figures |= {name.replace("event_", "told_"): of[name] for name in names}
    return figures


def claim() -> Experiment:
    """Raw web text, the same cleaned, true captions; and cleaned captions of other clips."""
    base = Config.small()
    cleaned = replace(base, text="cleaned")
    chance = 1 / base.toy.n_test
    figures = ("t2a_r1", "t2a_map10")
    return Experiment(
        recipe=PAPER.key,
        arms=(
            Arm("raw", replace(base, text="raw"), "web text as it came"),
            Arm("cleaned", cleaned, "what the three stages make of it, by rule"),
            Arm("gold", base, "the true captions, of all clips"),
            Arm("shuffled", replace(cleaned, shuffle=True), "control: another clip's caption"),
        ),
        comparisons=(
            *(Comparison("cleaning", figure, "cleaned", "raw") for figure in figures),
            Comparison("cleaning", "t2a_r1", "cleaned", 3 * chance),
            *(Comparison("cleaning", figure, "cleaned", "shuffled") for figure in figures),
            *(Comparison("near_truth", figure, "cleaned", "gold", "not below")
              for figure in figures),
            Comparison("inaudible", "inaudible_precision", "cleaned", 0.8),
            Comparison("inaudible", "inaudible_recall", "cleaned", 0.8),
        ),
        measure=measure,
    )  # fmt: skip


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
