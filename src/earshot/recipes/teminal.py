"""TeminAL: Enhancing Audio-Language Models through Self-Supervised Post-Training with
Text-Audio Pairs (arXiv:2408.09269), with its zero-shot temporal evaluation, ZSTE.

    paper                          here                               differs from the paper
    composites   3.1               data/event_pairs.py,               faded and balanced as CompA's
                                   data/event_batches.py
    captions     3.1               text/temporal.py
    stage A      3.2               objectives/label_sets.py           true captions are left out
    stage B      3.3, TNCE         objectives/temporal.py             "A after B" is "B before A"
    ZSTE         4                 metrics/zste.py, jobs/zste.py      sub-tasks are our reading
    the model    4.1               models/towers.py: any CLAP

The claim: two short stages on made-up composites, one sound or several and then order, teach a
trained dual encoder before, after and while, which the same captions alone teach less well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import ClipSet
from earshot.data.captioned import train_and_test, with_captions
from earshot.data.event_batches import EventBatch, EventBatches
from earshot.data.event_pairs import single_label_clips
from earshot.data.loudest import loudest_parts
from earshot.data.shared import shared_data, shared_folds
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.embedder import Embedder
from earshot.models.start import Start
from earshot.models.towers import (
    AudioTower,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.label_sets import LabelSetNCE
from earshot.objectives.temporal import N_VERSIONS, TemporalConfig, TemporalNCE
from earshot.synth.combinations import CombinationConfig, combination_clips
from earshot.text.prompts import PLAIN
from earshot.training.evaluation import two_tower_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.temporal_tests import temporal_figures

PAPER = Paper(
    key="teminal",
    title="Enhancing Audio-Language Models through Self-Supervised Post-Training with Text-Audio "
    "Pairs",
    arxiv=("2408.09269",),
    family="alignment",
    year=2024,
    claims={
        "order": "Post-training on composites in two stages teaches which sound came first, beyond "
        "what the same captions teach without a pair's other versions as negatives.",
        "both": "The stage of one sound or several first finds both of two overlapping events more "
        "often than the stage of order alone.",
        "kept": "Naming single sounds suffers little.",
    },
)
TEN = (
    "dog bark", "duck", "frog", "songbird", "siren", "ringtone", "hammering", "clapping",
    "footsteps", "door knock",
)  # fmt: skip  # kinds that are heard within a second
FEWER = ("base", "infonce", "teminal")  # the arms that a claim trains on recordings too


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    base: FitConfig | None  # a plain CLAP to begin with; left out where a model is handed in
    several: FitConfig | None  # stage A: one sound or two
    order: FitConfig | None  # stage B: which came first
    temporal: TemporalConfig = field(default_factory=TemporalConfig)
    n_pairs: int = 64  # a batch, over all processes; each gives three clips
    event_s: float | None = None  # of each event; half the model's window when left out
    base_share: float = 0.2  # of the loss: clips with their own captions, against forgetting
    twins: bool = True  # False, a control: no batch holds a pair's other versions, plain InfoNCE
    shuffle_order: bool = False  # a control: a pair's three captions go to its versions at random
    n_test_pairs: int = 200
    prompt: str = PLAIN  # for naming clips
    toy: CombinationConfig = field(default_factory=lambda: ten_events())  # clips without --data
    recordings: str | None = None  # a claim's arm on recordings: a set under EARSHOT_SHARED
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_pairs < 1 or self.n_test_pairs < 1 or not 0 <= self.base_share < 1:
            raise EarShotError(
                got=f"n_pairs={self.n_pairs}, n_test_pairs={self.n_test_pairs}, "
                f"base_share={self.base_share:g}",
                expected="pairs from 1 on, and a share from 0 to below 1",
                mend="Change that field.",
            )

    @classmethod
    def paper(cls) -> Config:
        """HTSAT-tiny and RoBERTa-base, 153.5 M parameters; to be run on a trained CLAP.

        As `earshot run teminal --preset paper --model laion/clap-htsat-unfused`. Learning rate,
        batch and length are not published; these are ours.
        """
        stage = FitConfig(
            steps=625,  # 5 epochs of 8 000 pairs
            learning_rate=1e-5,
            warmup_steps=31,  # 5 %
        )
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.laion_fused(),  # the CLAP's: 48 kHz, 64 mels
                audio=AudioTower(htsat=HtsatConfig.tiny()),
                text=TextTower(published=PublishedText.roberta()),
                dim=512,
                window_s=10.0,  # two clips of ESC-50, 5 s each: 3.1
                fill="repeatpad",
            ),
            base=None,
            several=stage,
            order=stage,
        )

    @classmethod
    def small(cls) -> Config:
        """Strips of sound, which know their place in time, and words: half a minute of one core.

        The text tower is wide rather than deep: "A before B" and "B after A" say the same, and a
        narrow one took several times as many steps to learn that.
        """
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 48 000)
                    n_fft=512,
                    hop_length=512,  # 63 frames in a window of 2 s (paper 1 001 in 10 s)
                    n_mels=32,  # (paper 64)
                    f_max=8_000.0,
                ),
                audio=AudioTower(strips=StripTransformerConfig(32, strip=3, dim=64, depth=2)),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(128, depth=1))),
                dim=64,  # (paper 512)
                window_s=2.0,  # (paper 10)
                fill="none",
            ),
            base=FitConfig(steps=100, learning_rate=1e-3, warmup_steps=10),
            several=FitConfig(steps=50, learning_rate=1e-3, warmup_steps=5),
            order=FitConfig(steps=250, learning_rate=1e-3, warmup_steps=25),
            n_pairs=16,
            n_test_pairs=100,
        )


def ten_events() -> CombinationConfig:
    """Ten kinds of procedural sound, a second each."""
    return CombinationConfig(
        kinds=TEN, axes=(), held_out=0.0, n_train=400, n_test=100, event_s=1.0, clip_s=1.0
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
    """Post-train on `data` (procedural clips when None) in `out`, then measure the test split.

    Clips with one label each make the composites; all clips, with their captions or sentences made
    of their labels, are the base data that is mixed in. `start` is the model to go on from; without
    one a plain CLAP is trained first. The folder then loads as a model. Figures: ZSTE's tasks as
    zste_..., the order twins, and naming and retrieval as in training/evaluation.py.
    """
    clips = combination_clips(config.seed, config.toy) if data is None else data
    train, test = train_and_test(clips, config.seed)
    singles = ClipSet(single_label_clips(train), name=train.name, labels=train.labels)
    single_label_clips(test, what="test clips")  # before the work: a small set has too few
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    model = this.two_tower(build)
    event_s = length_of_events(config, model, start)
    parts = loudest_parts(singles, event_s)
    single = this.loader(
        parts,
        batch_size=2 * config.n_pairs,
        sample_rate=model.sample_rate,
        max_s=event_s,
        crop="start",
        bucket=False,
    )
    own = None
    if config.base_share:
        own = this.loader(
            with_captions(train, config.seed),
            batch_size=max(this.world, round(config.base_share * N_VERSIONS * config.n_pairs)),
            sample_rate=model.sample_rate,
            max_s=model.window_s,
            bucket=False,
        )
    batches = EventBatches(
        single,
        train.labels,
        seed=config.seed,
        base=own,
        twins=config.twins,
        shuffled=config.shuffle_order,
    )
    losses = Losses(model, config)
    if config.base is not None and start is None:
        this.fit(model, losses.plain, batches.one_or_two, config.base, stage="base")
    if config.several is not None:
        this.fit(model, losses.several, batches.one_or_two, config.several, stage="several")
    if config.order is not None:
        this.fit(model, losses.order, batches.orders, config.order, stage="order")
    known = {label for clip in train for label in clip.labels}
    return this.finish(model, lambda: measure_split(model.eval(), config, known, test, event_s))


def length_of_events(config: Config, model: TwoTower, start: Start | None) -> float:
    """Seconds of each event; refused where two do not fit the window, or nothing is to be trained.

    What lies beyond the window would be cropped away, and with it the second event.
    """
    if start is None and config.base is None:
        raise EarShotError(
            got="no model to go on from, and no base to train",
            expected="a trained CLAP",
            mend="Pass --model laion/clap-htsat-unfused, or give base.steps.",
        )
    event_s = model.window_s / 2 if config.event_s is None else config.event_s
    if not 0 < event_s <= model.window_s / 2:
        raise EarShotError(
            got=f"event_s={event_s:g} for a model that hears {model.window_s:g} s",
            expected=f"above 0 and at most {model.window_s / 2:g}: two events in one window",
            mend="Lower event_s, or leave it out.",
        )
    return event_s


class Losses:
    """The loss of each stage, with the base data's share in it."""

    def __init__(self, model: TwoTower, config: Config) -> None:
        self.model, self.config = model, config
        self.infonce, self.label_sets = InfoNCE(), LabelSetNCE()
        self.temporal = TemporalNCE(config.temporal)

    def plain(self, batch: EventBatch) -> Tensor:
        """A plain CLAP's, to begin with."""
        return self._mixed(self.infonce(*self._embed(batch), self.model.scale), batch)

    def several(self, batch: EventBatch) -> Tensor:
        """Stage A's."""
        audio, text = self._embed(batch)
        return self._mixed(self.label_sets(audio, text, self.model.scale, batch.labels_hot), batch)

    def order(self, batch: EventBatch) -> Tensor:
        """Stage B's; brought to the size of one InfoNCE, so that shares mean what they say."""
        audio, text = self._embed(batch)
        if not self.config.twins:
            loss = self.infonce(audio, text, self.model.scale, groups=batch.meanings)
            return self._mixed(loss, batch)
        audio, text = (each.unflatten(0, (-1, N_VERSIONS)) for each in (audio, text))
        meanings = batch.meanings.unflatten(0, (-1, N_VERSIONS))
        loss = self.temporal(audio, text, self.model.scale, meanings=meanings)
        anchors = 1 + self.config.temporal.beta + self.config.temporal.gamma
        return self._mixed(loss / anchors, batch)

    def _embed(self, batch: EventBatch) -> tuple[Tensor, Tensor]:
        audio = self.model.embed_audio(batch.waveform, batch.n_samples)  # [rows, dim]
        return audio, self.model.embed_text(batch.captions)

    def _mixed(self, loss: Tensor, batch: EventBatch) -> Tensor:
        """The loss with the share of the base data's."""
        if batch.base is None:
            return loss
        audio = self.model.embed_audio(batch.base.waveform, batch.base.n_samples)
        text = self.model.embed_text(batch.base.captions)
        base = self.infonce(audio, text, self.model.scale)
        share = self.config.base_share
        return (1 - share) * loss + share * base


def measure_split(
    model: TwoTower, config: Config, known: set[str], test: ClipSet, event_s: float
) -> tuple[dict[str, float], list[str]]:
    """Figures of the test split, and a sentence for each clip that could not be read."""
    figures, heard = two_tower_figures(model, test, known, config.prompt)
    embedder = Embedder(model, "run", device=model.logit_scale.device)
    temporal, _ = temporal_figures(
        embedder, test, n=config.n_test_pairs, seed=config.seed, event_s=event_s
    )
    return {**temporal, **figures}, heard.faults  # which name every clip that was not read


def claim() -> Experiment:
    """Arms of equal length on procedural events, and on recordings where those are at hand."""
    base = Config.small()
    arms = arms_of(base, "", "procedural events")
    comparisons = comparisons_of("")
    if shared_data("esc10") is not None:
        kept = {f"{name}_esc10" for name in FEWER}
        on_recordings = arms_of(replace(base, recordings="esc10"), "_esc10", "ESC-10")
        arms += [arm for arm in on_recordings if arm.name in kept]
        comparisons += [
            each for each in comparisons_of("_esc10") if {each.arm, each.against} <= kept
        ]
    return Experiment(
        recipe=PAPER.key, arms=tuple(arms), comparisons=tuple(comparisons), measure=measure
    )


def arms_of(config: Config, suffix: str, what: str) -> list[Arm]:
    """The base and what may come after it, each of as many steps."""
    assert config.base is not None
    assert config.several is not None
    assert config.order is not None
    n_after = config.several.steps + config.order.steps
    longer = replace(config.base, steps=config.base.steps + n_after)
    all_order = replace(config.order, steps=n_after)
    only_order = replace(config, several=None, order=all_order)
    made = (
        ("base", replace(config, base=longer, several=None, order=None), "plain CLAP all along"),
        ("infonce", replace(only_order, twins=False), "control: ordered captions, InfoNCE"),
        ("order_only", only_order, "stage B alone"),
        ("teminal", config, "stage A, then B"),
        ("shuffled", replace(config, shuffle_order=True), "control: captions of a pair shuffled"),
    )
    return [Arm(name + suffix, settings, f"{note}; {what}") for name, settings, note in made]


def comparisons_of(suffix: str) -> list[Comparison]:
    """What should beat what."""
    best, only, plain = f"teminal{suffix}", f"order_only{suffix}", f"base{suffix}"
    infonce, shuffled = f"infonce{suffix}", f"shuffled{suffix}"
    return [
        Comparison("order", "zste_4", best, plain),
        Comparison("order", "zste_4", best, shuffled),
        Comparison("order", "zste_4", best, infonce),
        Comparison("order", "zste_4", only, infonce),
        Comparison("order", "zste_5", best, plain),
        Comparison("order", "zste_5", best, infonce),
        Comparison("order", "zste_4_unseen", best, plain),
        Comparison("order", "twins_group", best, infonce),
        Comparison("both", "zste_2A", best, only),
        Comparison("kept", "zste_1_with_8_points", best, plain, against_figure="zste_1"),
    ]


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    data = None if config.recordings is None else shared_folds(config.recordings, "4")
    figures = run(config, data, out, resume=True).values
    return {**figures, "zste_1_with_8_points": figures["zste_1"] + 0.08}
