"""Zero-Shot Audio Captioning Using Soft and Hard Prompts (arXiv:2406.06295).

    paper                          here                           differs from the paper
    CLAP, frozen                   models/two_tower.py            any; earshot-small by default
    soft prompt, mapper            layers/prefix_mapper.py        sizes of ours: not told
    mixed augmentation             models/gap_bridge.py           replacement, then noise
    acoustic-aware hard prompt     models/hard_prompts.py         with errors in training
    language model, loss           decoders/prefix.py             GPT-2, any causal model
    offset (wsac)                  models/gap_bridge.py           beside it
    projection, captions alike     models/gap_bridge.py, models/hard_prompts.py    DRCap's

A captioner that never hears in training: it learns to write a caption again from the caption's own
embedding, and at inference is handed the embedding of a sound. The claims: noise and neighbours in
the place of captions make that work, and names of sounds in the prompt make it hold where sounds
come together in other ways than in the captions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.core.seed import generator, seed_all
from earshot.data import Clip
from earshot.data.caption_texts import CaptionTexts, open_captions
from earshot.data.shared import need_shared_data, shared_data
from earshot.decoders.language_model import LanguageModelConfig, pinned
from earshot.encoders.htsat import HtsatConfig
from earshot.features import LogMelConfig
from earshot.layers.prefix_mapper import PrefixMapperConfig
from earshot.metrics.caption_events import EventReader
from earshot.models.audio_tower import AudioTower
from earshot.models.embedder import Embedder
from earshot.models.gap_bridge import GapBridgeConfig, mean_gap, training_bridge
from earshot.models.hard_prompts import HardPromptConfig, TextBank
from earshot.models.shipped import shipped_start
from earshot.models.small_clap import small_clap_config
from earshot.models.soft_hard_captioner import SoftHardCaptioner, SoftHardConfig
from earshot.models.start import Start
from earshot.models.towers import PublishedText, TextTower, TwoTowerConfig, build_two_tower
from earshot.synth.caption_domains import (
    NAMES,
    Domain,
    clip_captions,
    domain_corpus,
    told_in_every_way,
    unseen_pairs,
)
from earshot.synth.caption_scenes import KINDS, caption_scenes
from earshot.text.prompts import fill_prompt
from earshot.training.caption_worth import (
    gap_figures,
    label_figures,
    rewriting_figures,
    worth,
    written,
)
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.small_clap import embeddings_of, frames_of, train_small_clap
from earshot.training.text_captioning import (
    PromptLookup,
    TextBatch,
    TextBatches,
    caption_tokenizer,
    embeddings_in,
    event_names,
)

PAPER = Paper(
    key="soft_hard_prompts",
    title="Zero-Shot Audio Captioning Using Soft and Hard Prompts",
    arxiv=("2406.06295",),
    family="captioning",
    year=2025,
    claims={
        "bridge": "Taught by captions alone, a decoder captions sounds once noise and neighbours "
        "bridge the gap between texts and sounds.",
        "prompt": "Names of sounds in the prompt make it tell of sounds that come together as in "
        "no caption.",
        "recordings": "Bridge and prompt make a decoder of people's captions tell of recordings.",
    },
)
KIND_READER = EventReader(NAMES)


@dataclass(frozen=True)
class ToyConfig:
    """What is trained on without --data: scenes, or people's captions and recordings at hand."""

    n_clips: int = 1_000
    n_heard: int = 700  # of the clips: what the small CLAP is taught by; the others are the test
    n_texts: int = 2_500  # captions of scenes that nobody made
    unseen: float = 1 / 3  # of all pairs of sounds: no caption has them
    clap: TwoTowerConfig = field(default_factory=small_clap_config)
    clap_fit: FitConfig = field(
        default_factory=lambda: FitConfig(steps=600, learning_rate=2e-3, warmup_steps=30)
    )
    clap_batch: int = 48
    recordings: int = 0  # captions of AudioCaps, and ESC-10 to caption; 0: scenes

    def __post_init__(self) -> None:
        if not 1 < self.n_heard < self.n_clips - 1:
            raise EarShotError(
                got=f"toy.n_heard={self.n_heard} of toy.n_clips={self.n_clips}",
                expected="clips to teach the CLAP, and others to test",
                mend="Change one of them.",
            )


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its captions and its CLAP."""

    model: SoftHardConfig = field(default_factory=SoftHardConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # captions, over all processes
    events: str | None = None  # a file of names of sounds, one a line; AudioSet's if none
    sounds: str | None = None  # a folder or a manifest of sounds, for bridge.offset alone
    tokenizer: str = ""  # a folder; the writer's own, or one trained on the captions if none
    n_told: int = 5_000  # captions that are kept, where sounds are told by them
    n_held_out: int = 200  # captions that figures are of
    learn_from: Literal["texts", "sounds"] = "texts"  # sounds: the control that hears in training
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """GPT-2 base and a mapper behind WavCaps' CLAP: 146.5 M parameters train.

        What the paper does not tell is this project's: mapper, rates and numbers of the prompt.
        """
        clap = TwoTowerConfig(
            features=LogMelConfig(),  # 32 kHz, 64 mels, hop 320
            audio=AudioTower(htsat=HtsatConfig.tiny()),
            text=TextTower(published=replace(PublishedText.bert(), max_tokens=30)),
            dim=1_024,
            window_s=10.0,
            fill="zeros",
        )
        writer = LanguageModelConfig.gpt2()
        return cls(
            model=SoftHardConfig(clap=clap, writer=writer),
            fit=FitConfig(
                steps=12_000,  # 15 epochs of 49 838 captions of AudioCaps
                learning_rate=2e-5,
                warmup_steps=100,  # wsac's
                weight_decay=0.02,  # wsac's
                checkpoint_every=1_000,
            ),
            tokenizer="gpt2",
        )

    @classmethod
    def small(cls) -> Config:
        """Two layers, 128 wide, from random weights: a minute or two on one core."""
        writer = LanguageModelConfig(
            dim=128,  # (paper 768)
            depth=2,  # (paper 12)
            n_heads=4,
            vocab_size=512,  # (paper 50 257)
            max_positions=160,
            dropout=0.0,
        )
        return cls(
            model=SoftHardConfig(
                mapper=PrefixMapperConfig(n_vectors=4, hidden=128, depth=0),
                writer=writer,
                bridge=GapBridgeConfig(noise=0.02),  # as far as sounds and their captions are
                prompt=HardPromptConfig(n_events=2),
            ),
            fit=FitConfig(steps=600, learning_rate=2e-3, warmup_steps=20),  # (12 000, 2e-5)
            batch_size=32,  # (paper 64)
        )

    @classmethod
    def medium(cls) -> Config:
        """Four layers, 256 wide, for tens of thousands of captions: hours on one core."""
        small, mapper = cls.small(), PrefixMapperConfig(n_vectors=8, hidden=256, depth=0)
        writer = replace(small.model.writer, dim=256, depth=4, vocab_size=4_096, dropout=0.1)
        model = SoftHardConfig(mapper=mapper, writer=writer)
        fit = replace(small.fit, steps=12_000, learning_rate=5e-4, warmup_steps=200)
        return replace(small, model=model, fit=fit, batch_size=64)

    @classmethod
    def small_recordings(cls) -> Config:
        """The small writer on people's captions, behind earshot-small; captions ESC-10."""
        small = cls.small()
        model = replace(
            small.model,
            writer=replace(small.model.writer, vocab_size=1_024),
            bridge=GapBridgeConfig(),  # at 256 dimensions about as far as its sounds and captions
            prompt=HardPromptConfig(),
        )
        return replace(small, model=model, toy=replace(small.toy, recordings=5_000))


open_data = open_captions  # what --data is read by


def build(config: Config) -> SoftHardCaptioner:
    """The captioner with random weights."""
    return SoftHardCaptioner(config.model)


def run(
    config: Config,
    data: CaptionTexts | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Teach a decoder by the captions of `data` in `out`, and measure it.

    `start` is the CLAP, earshot-small if left out. Without `data` captions of scenes are learnt
    from, behind a small CLAP trained on such scenes. The folder then serves `earshot caption`.
    """
    texts = texts_of(config, data)
    train, held_out = texts.parted(config.n_held_out if data is not None else 0, config.seed)
    name = None if start is None else start.name
    this = RecipeRun(PAPER.key, config, out, train.captions, resume=resume, started_from=name)
    scenes = data is None and not config.toy.recordings
    if start is None:
        start = scene_clap(config.toy, config.seed, out / "clap") if scenes else shipped_start()
    read = Embedder(start.model, start.name).embed_texts
    dim = start.model.embed_text([""]).shape[1]
    shape = replace(config.model, clap=start.config, clap_dim=dim)
    seed_all(config.seed)
    model = SoftHardCaptioner(shape, start.model)
    model.decoder.tokenizer = caption_tokenizer(
        config.tokenizer or config.model.writer.folder, train, config.model.writer.vocab_size
    )
    corpus = TextBank(train.captions, torch.from_numpy(read(train.captions)))
    names = KINDS if scenes else event_names(config.events)
    prompts = [fill_prompt(shape.prompt.event_prompt, name) for name in names]
    model.events = TextBank(tuple(names), torch.from_numpy(read(prompts)))
    kept = generator(config.seed, "told").permutation(len(train))[: config.n_told].tolist()
    model.told = TextBank(tuple(train.captions[i] for i in kept), corpus.embeddings[kept])
    heard = None if config.sounds is None else embeddings_in(config.sounds, start)
    if scenes:
        heard = embeddings_of(
            start.model, toy_scenes(config.toy, config.seed)[1][: config.toy.n_heard]
        )
    if config.learn_from == "sounds":
        corpus = paired_corpus(config, start)
    gap = None if heard is None else mean_gap(corpus.embeddings, heard)
    bridge = training_bridge(shape.bridge, corpus.embeddings, gap)
    lookup = PromptLookup(corpus, model.events, shape.prompt)
    how = {"batch_size": config.batch_size, "seed": config.seed}
    batches = TextBatches(corpus, bridge, lookup, rank=this.rank, world=this.world, **how)

    def loss_of(batch: TextBatch) -> Tensor:
        return model.loss(batch.embeddings, batch.prompts, batch.captions)

    this.fit(nn.ModuleList([model.mapper, model.decoder]), loss_of, batches.batches, config.fit)

    def measured() -> tuple[dict[str, float], list[str]]:
        model.eval().save_beside(out)
        if data is not None:
            return rewriting_figures(model, held_out.captions, read), []
        if not scenes:
            return label_figures(model, start.name), []
        return scene_figures(model, config) | gap_figures(corpus, bridge, heard, config.seed), []

    this.saved_as = (
        PAPER.key,
        replace(config, model=replace(shape, writer=pinned(shape.writer)), tokenizer=""),
    )
    return this.finish(model, measured, clap=start.name)


def texts_of(config: Config, data: CaptionTexts | None) -> CaptionTexts:
    """The captions of `data`, people's of AudioCaps, or those of scenes."""
    toy = config.toy
    if data is not None:
        return data
    if toy.recordings:
        whole = open_captions(need_shared_data("text") / "audiocaps_train.csv")
        return whole.drawn(toy.recordings, config.seed)
    unseen = unseen_pairs(toy.unseen, config.seed)
    made = domain_corpus(toy.n_texts, config.seed, "clauses", unseen)
    return CaptionTexts("scenes", tuple(dict.fromkeys(made)))


@lru_cache(maxsize=1)
def toy_scenes(toy: ToyConfig, seed: int) -> tuple[Sequence[Clip], Tensor]:
    """The seed's clips and their log-mels."""
    clips = caption_scenes(toy.n_clips, seed)
    return clips, frames_of(build_two_tower(toy.clap), clips)


def scene_clap(toy: ToyConfig, seed: int, out: Path) -> Start:
    """A small CLAP, taught by the first scenes and captions of every way of speaking."""
    clips, frames = toy_scenes(toy, seed)
    n = toy.n_heard
    told = told_in_every_way(clips[:n], seed)
    how: dict[str, int] = {"batch_size": toy.clap_batch, "seed": seed}
    model = train_small_clap(toy.clap, frames[:n], told, toy.clap_fit, out, **how)
    return Start("a small CLAP", model, toy.clap)


def paired_corpus(config: Config, start: Start) -> TextBank:
    """Captions of the clips that the CLAP heard, each beside its clip's embedding."""
    clips, frames = toy_scenes(config.toy, config.seed)
    n, rng = config.toy.n_heard, generator(config.seed, "paired")
    told = [text for c in clips[:n] for text in clip_captions(c.extra, "clauses", 3, rng)]
    return TextBank(tuple(told), embeddings_of(start.model, frames[:n]).repeat_interleave(3, 0))


def scene_figures(model: SoftHardCaptioner, config: Config) -> dict[str, float]:
    """Figures of scenes that the CLAP did not hear.

    `*_in` are of sounds that captions have, together or alone, against clauses; `*_cross` of pairs
    that no caption has, against phrases. `*_from_text`: captions of the embeddings of references.
    """
    toy, figures = config.toy, dict[str, float]()
    clips, frames = toy_scenes(toy, config.seed)
    test, audio = clips[toy.n_heard :], embeddings_of(model.ears, frames[toy.n_heard :])
    unseen, rng = unseen_pairs(toy.unseen, config.seed), generator(config.seed, "references")
    domains: dict[str, Domain] = {"in": "clauses", "cross": "phrases"}
    for name, domain in domains.items():
        rows = [
            i for i, c in enumerate(test) if (frozenset(c.labels) in unseen) == (name == "cross")
        ]
        told = [clip_captions(test[i].extra, domain, 5, rng) for i in rows]
        gold = [test[i].extra["events"] for i in rows]
        texts = model.ears.embed_text([each[0] for each in told])
        for way, embeddings in (("", audio[rows]), ("_from_text", texts)):
            found = worth(written(model, embeddings), told, gold, KIND_READER)
            figures |= {f"{figure}_{name}{way}": value for figure, value in found.items()}
    return figures


def settings(config: Config) -> dict[str, Config]:
    """What is compared: without bridge and prompt, with parts of them, with all."""
    own, none = config.model.bridge, GapBridgeConfig.none()
    plain = replace(config.model, prompt=HardPromptConfig.none())

    def with_bridge(bridge: GapBridgeConfig) -> Config:
        return replace(config, model=replace(plain, bridge=bridge))

    found = {"none": with_bridge(none), "both_hard": config}
    if config.toy.recordings:
        return found
    return {
        **found,
        "both": with_bridge(own),
        "noise": with_bridge(replace(own, replacement=0.0)),
        "replacement": with_bridge(replace(own, noise=0.0)),
        "paired": replace(with_bridge(none), learn_from="sounds"),
    }


def claim() -> Experiment:
    """Every setting on scenes, and without and with the bridge on recordings where at hand."""
    arms = [Arm("scenes", Config.small(), "procedural scenes, two ways of speaking")]

    def above(claim: str, figure: str, better: str, worse: str, arm: str = "scenes") -> Comparison:
        return Comparison(claim, f"{figure}_{better}", arm, arm, against_figure=f"{figure}_{worse}")

    compared = [
        above("bridge", "cider_d_in", "noise", "none"),
        above("bridge", "cider_d_in", "replacement", "none"),
        above("bridge", "cider_d_in", "both", "noise"),
        above("bridge", "event_f1_in", "both", "none"),
        above("prompt", "event_f1_cross", "both_hard", "both"),
        above("prompt", "event_f1_in", "both_hard", "both"),
        above("prompt", "cider_d_cross", "both_hard", "both"),
    ]
    if shared_data("esc10") is not None and shared_data("text") is not None:
        arms.append(Arm("recordings", Config.small_recordings(), "captions of AudioCaps, ESC-10"))
        compared += [
            above("recordings", "label_accuracy", "both_hard", "none", "recordings"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(compared), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim: every setting behind one CLAP, going on where it was."""
    toy = config.toy
    start = shipped_start() if toy.recordings else scene_clap(toy, config.seed, out / "clap")
    figures: dict[str, float] = {}
    for name, changed in settings(config).items():
        values = run(changed, None, out / name, resume=True, start=start).values
        figures |= {f"{figure}_{name}": value for figure, value in values.items()}
    return figures
