"""AudioSetCaps: An Enriched Audio-Caption Dataset Using Automated Generation Pipeline With Large
Audio and Language Models (arXiv:2411.18953).

    paper                         here                               differs from the paper
    caption pipeline              factories/audiosetcaps.py          see there
    CLAP refinement               factories/gate.py                  the best of K is kept
    retrieval model (ASE)         models/towers.py                   the divisor as a logarithm
    objective                     training/caption_contrast.py
    text masking (mask25)         layers/token_mask.py               its code is not released
    two phases                    here: pretrain, finetune

The claim: captions that had to fit their sound as well as the labels do tell of fewer sounds that
are not there, and teach a better model than ungated ones, and than labels alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.core.seed import generator, seed_all
from earshot.data import BatchLoader, ClipSet, open_clips
from earshot.data.captioned import shuffled_captions, train_and_test, with_captions
from earshot.data.shared import shared_data, shared_folds
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.factories.gate import Equalise, Gate
from earshot.factories.in_memory import FunctionWriter, MemoryScorer, rule_captions
from earshot.factories.item import Item
from earshot.features import LogMelConfig
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.metrics.caption_events import EventReader, event_figures
from earshot.models.embedder import Embedder
from earshot.models.start import Start
from earshot.models.starting_weights import start_text
from earshot.models.towers import (
    AudioTower,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
)
from earshot.models.two_tower import TwoTower
from earshot.synth.caption_noise import careless_caption
from earshot.synth.caption_scenes import CaptionScenesConfig, caption_scenes, kind_words
from earshot.text.prompts import SOUND
from earshot.training.caption_contrast import caption_contrast
from earshot.training.evaluation import two_tower_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig, fit
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="audiosetcaps",
    title="AudioSetCaps: An Enriched Audio-Caption Dataset Using Automated Generation Pipeline "
    "With Large Audio and Language Models",
    arxiv=("2411.18953",),
    family="captioning",
    year=2025,
    claims={
        "gate": "Captions that had to fit their sound tell of fewer sounds that are not there.",
        "training": "A model finds more when it is taught by gated captions than by ungated ones.",
        "rich": "A model finds more when it is taught by gated captions than by labels alone.",
        "scale": "A model finds more when it is taught by more gated captions.",
        "real": "Captions made by rule of labelled recordings name held-out recordings no worse "
        "than the labels do.",
    },
)
SHARES = (0.05, 0.1, 0.25, 0.5)  # of the clips, beside all of them
REAL, TEST_FOLD = "esc10", "4"


@dataclass(frozen=True)
class ToyConfig:
    """Scenes whose captions a careless writer writes, and clean ones that teach the gate."""

    n_train: int = 800  # clips with captions of the writer
    n_clean: int = 600  # others, with true captions: the gate's, and those of the second phase
    n_test: int = 200  # others, with true captions
    error_rate: float = 0.3  # of a caption with a sound left out or made up
    gate_steps: int = 300
    scenes: CaptionScenesConfig = field(default_factory=lambda: CaptionScenesConfig(duration_s=1.5))


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    fit: FitConfig = field(default_factory=FitConfig)  # phase one, on captions of the factory
    finetune: FitConfig | None = None  # phase two, on captions of people
    batch_size: int = 64  # clips, over all processes
    max_s: float = 10.0  # longer clips are cropped to this in training, at random
    captions: Literal["given", "labels", "offline"] = (
        "given"  # of phase one; offline: made by rule from the clips' labels
    )
    shuffle_captions: bool = False  # the control: each clip gets another one's captions
    share: float = 1.0  # of the training clips
    mask: float = 0.25  # of the tokens of captions in phase one: "mask25"
    spread: float = 1.0  # weight of the embedding regularisation
    spec_augment: SpecAugmentConfig | None = None
    equalise: Equalise = "spaced"  # of the texts that the gate compares; the paper's: released
    tries: int = 4  # captions written for a toy clip; 0 takes the gate away
    human: str | None = None  # a manifest for phase two; the training clips' own if none
    text_weights: str | None = None  # for the text tower: a folder or a hub name
    real: bool = False  # trains on the recordings of the claim, where they are at hand
    prompt: str = SOUND  # for naming clips
    toy: ToyConfig = field(default_factory=ToyConfig)  # the clips without --data
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (not 0 < self.share <= 1, f"share={self.share:g}", "above 0 and at most 1"),
            (not 0 <= self.mask < 1, f"mask={self.mask:g}", "from 0 to below 1"),
            (self.spread < 0, f"spread={self.spread:g}", "0 or more"),
            (self.tries < 0, f"tries={self.tries}", "0 or more"),
            (self.captions not in ("given", "labels", "offline"),
             f"captions={self.captions!r}", "given, labels or offline"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """HTSAT and RoBERTa-base in a space of 768: 153.9 M parameters."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.panns_32k(),  # 32 kHz, 64 mels, hop 320, 50 to 14 000 Hz
                audio=AudioTower(htsat=HtsatConfig.tiny()),  # 96 wide, depths 2-2-6-2
                text=TextTower(published=replace(PublishedText(max_tokens=30), reading="first")),
                dim=768,
                window_s=10.0,
                fill="zeros",
            ),
            fit=FitConfig(
                steps=224_000,  # 15 epochs of 1.91 M clips in batches of 128, as WavCaps trains
                learning_rate=5e-5,
                warmup_steps=29_900,  # 2 epochs
                checkpoint_every=1_000,
            ),
            finetune=FitConfig(steps=7_700, learning_rate=1e-5, warmup_steps=770),
            batch_size=128,
            spec_augment=SpecAugmentConfig(),  # 2 x 64 frames, 2 x 8 bands
            text_weights="roberta-base",
            seed=20,
        )

    @classmethod
    def small(cls) -> Config:
        """Strips of a log-mel and a two-layer word transformer: half a minute on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 32 000)
                    n_fft=512,
                    hop_length=320,  # 76 frames in a clip of 1.5 s (paper 1 001 in 10 s)
                    n_mels=32,  # (paper 64)
                    f_max=8_000.0,
                ),
                audio=AudioTower(strips=StripTransformerConfig(32, strip=4, dim=64, depth=2)),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=64))),
                dim=64,  # (paper 768)
                window_s=1.5,  # (paper 10)
                fill="none",
            ),
            fit=FitConfig(steps=240, learning_rate=2e-3, warmup_steps=30),  # (224 000, 5e-5)
            finetune=FitConfig(steps=150, learning_rate=5e-4, warmup_steps=10),
            batch_size=32,  # (paper 128)
            max_s=1.5,
        )


def build(config: Config) -> TwoTower:
    """The model with random weights."""
    return build_two_tower(config.model)


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Train on captions of a factory, then on those of people, and measure the test split.

    `data` is what `earshot factory run` published, or any clips with captions or labels; scenes
    with a careless writer behind a gate when None. The folder then loads as a model.
    """
    figures: dict[str, float] = {}
    if data is None:
        train, clean, test = toy_clips(config.toy, config.seed)
        train, figures = written_clips(train, config)
    else:
        train, test = train_and_test(data, config.seed)
        train = clean = captioned(train, config)
    if config.shuffle_captions:
        train = shuffled_captions(train, config.seed)
    train = train[: max(config.batch_size, round(config.share * len(train)))]
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    model = this.two_tower(build)
    if config.text_weights is not None and start is None:
        start_text(model, config.text_weights)
    teach(this, model, train, config.fit, config, mask=config.mask, stage="pretrain")
    if config.finetune is not None:
        if config.human is not None:
            clean, test = train_and_test(open_clips(Path(config.human)), config.seed)
        teach(this, model, clean, config.finetune, config, mask=0.0, stage="finetune")
    known = {label for clip in train for label in clip.labels}

    def measured() -> tuple[dict[str, float], list[str]]:
        found, heard = two_tower_figures(model.eval(), test, known, config.prompt)
        return {**found, **figures}, heard.faults

    return this.finish(model, measured)


def teach(
    this: RecipeRun,
    model: TwoTower,
    clips: ClipSet,
    settings: FitConfig,
    config: Config,
    *,
    mask: float,
    stage: str,
) -> None:
    """One phase: the contrastive loss over clips, captions of one clip being each other's own."""
    loader = this.loader(
        clips,
        batch_size=min(config.batch_size, len(clips)),
        sample_rate=model.sample_rate,
        max_s=config.max_s,
    )
    model.spec_augment = None if config.spec_augment is None else SpecAugment(config.spec_augment)
    this.fit(
        model, caption_contrast(model, config.spread, mask), loader.batches, settings, stage=stage
    )
    model.spec_augment = None


def captioned(clips: ClipSet, config: Config) -> ClipSet:
    """The clips with what phase one reads: their captions, their labels, or sentences by rule."""
    if config.captions == "given":
        return with_captions(clips, config.seed)
    unlabelled = [clip.id for clip in clips if not clip.labels]
    if unlabelled:
        raise EarShotError(
            got=f"captions={config.captions} for {len(unlabelled)} clips without a label, such as "
            f"{unlabelled[0]}",
            expected="labels with every clip",
            mend="Give them labels, or set captions=given.",
        )
    told = [
        replace(clip, captions=(", ".join(clip.labels),))
        if config.captions == "labels"
        else replace(clip, captions=rule_captions(clip, seed=config.seed))
        for clip in clips
    ]
    return ClipSet(told, name=clips.name, labels=clips.labels)


def toy_clips(toy: ToyConfig, seed: int) -> tuple[ClipSet, ClipSet, ClipSet]:
    """Clips to be captioned, clean ones, and test clips: no clip is in two of them."""
    clips = caption_scenes(toy.n_train + toy.n_clean + toy.n_test, seed, toy.scenes)
    ends = (toy.n_train, toy.n_train + toy.n_clean)
    return clips[: ends[0]], clips[ends[0] : ends[1]], clips[ends[1] :]


def written_clips(train: ClipSet, config: Config) -> tuple[ClipSet, dict[str, float]]:
    """The toy's clips with one caption each by config, and how true these captions are.

    By their words alone `faithful` is the share of captions that tell of no sound that is not
    there, and `event_f1` counts sounds told of and there. `cosine` is the mean that the gate's
    model gives them.
    """
    toy, seed = config.toy, config.seed
    scorer = taught_scorer(config.model, toy, config.batch_size, seed)
    clip_of = {clip.id: clip for clip in train}

    def careless(item: Item, take: int) -> str:
        rng = generator(seed, "careless", item.id, take)
        return careless_caption(clip_of[item.id], toy.scenes, rng, toy.error_rate)

    items = [Item(clip.id, labels=clip.labels) for clip in train]
    if config.captions == "labels":
        captions = [", ".join(clip.labels) for clip in train]
    elif config.tries == 0:
        captions = [careless(item, 0) for item in items]
    else:
        writer = FunctionWriter(careless, f"careless-{toy.error_rate:g}-{seed}")
        gate = Gate(writer, scorer, tries=config.tries, equalise=config.equalise)
        captions = [item.caption for item in gate.work(items)]
    found = event_figures(captions, [clip.labels for clip in train], EventReader(kind_words()))
    sounds = np.stack([scorer.hear(item) for item in items])
    figures = {
        "faithful": 1 - found["hallucination_rate"],
        "event_f1": found["event_f1"],
        "cosine": float((scorer.read(captions) * sounds).sum(1).mean()),
    }
    told = [replace(clip, captions=(text,)) for clip, text in zip(train, captions, strict=True)]
    return ClipSet(told, labels=train.labels), figures


@lru_cache(maxsize=1)  # the arms of a seed follow one another
def taught_scorer(
    model_config: TwoTowerConfig, toy: ToyConfig, batch_size: int, seed: int
) -> MemoryScorer:
    """A small CLAP that clean clips alone taught, and how it hears those to be captioned."""
    train, clean, _ = toy_clips(toy, seed)
    seed_all(seed)
    model = build_two_tower(model_config)
    loader = BatchLoader(clean, batch_size=batch_size, sample_rate=model.sample_rate, seed=seed)
    settings = FitConfig(steps=toy.gate_steps, learning_rate=2e-3, warmup_steps=30, seed=seed)
    with TemporaryDirectory() as folder:
        fit(model, caption_contrast(model, 1.0, 0.0), loader.batches, settings, Path(folder),
            after_step=model.clamp_scale)  # fmt: skip
    return MemoryScorer(Embedder(model.eval(), "gate"), train)


def claim() -> Experiment:
    """No gate, two and four tries, labels alone, shares of the clips, another's captions."""
    base = replace(Config.small(), finetune=None)
    arms = [
        Arm("labels", replace(base, captions="labels"), "label-only text"),
        Arm("ungated", replace(base, tries=0), "the writer's first caption"),
        Arm("gate2", replace(base, tries=2), "at most two captions: the paper's"),
        Arm("gate4", base, "at most four captions"),
        Arm("shuffled", replace(base, shuffle_captions=True), "control: another's captions"),
    ]
    arms += [Arm(f"share{share:.0%}".rstrip("%"), replace(base, share=share), f"{share:.0%} of "
                 "the clips, at most four captions") for share in SHARES]  # fmt: skip
    found = [
        Comparison("gate", "faithful", "gate2", "ungated"),
        Comparison("gate", "faithful", "gate4", "gate2"),
        Comparison("gate", "event_f1", "gate4", "ungated"),
        Comparison("gate", "cosine", "gate4", "ungated"),
        *(Comparison("training", figure, "gate4", against)
          for figure in ("t2a_r1", "t2a_map10") for against in ("ungated", "shuffled")),
        Comparison("training", "t2a_r1", "gate2", "ungated"),
        Comparison("training", "t2a_r1", "gate4", "gate2", "not below"),
        Comparison("training", "t2a_r1", "gate4", 10 / base.toy.n_test),  # ten times chance
        *(Comparison("rich", figure, "gate4", "labels") for figure in ("t2a_r1", "t2a_map10")),
        *(Comparison("scale", "t2a_r1", more, less) for less, more in
          pairwise(("share5", "share10", "share25", "share50", "gate4"))),
    ]  # fmt: skip
    if shared_data(REAL) is not None:
        real = replace(base, real=True, captions="labels")
        arms += [
            Arm("real_labels", real, "recordings: label-only text"),
            Arm("real_rich", replace(real, captions="offline"), "recordings: captions by rule"),
        ]
        found += [
            Comparison("real", "zero_shot", "real_rich", 0.2),  # twice chance
            Comparison("real", "zero_shot", "real_rich", "real_labels", "not below"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(found), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    data = shared_folds(REAL, TEST_FOLD) if config.real else None
    return run(config, data, out, resume=True).values
