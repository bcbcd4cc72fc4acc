"""Audio-Language Models for Audio-Centric Tasks: A Systematic Survey (arXiv:2501.15177).

    survey                                here
    taxonomy of models, objectives, tasks, data, benchmarks
                                          catalogue/, `earshot catalogue`
    language in the place of labels       this recipe: one encoder, taught by either
    two towers, its base of all others    models/towers.py, objectives/infonce.py
    words that describe sounds            text/lexicon.py, data/described.py
    zero-shot and few-shot evaluation     training/unseen_figures.py
    overlap of data sets                  data/overlap.py, `earshot data overlap`

A survey has no system of its own. The claim is its premise: language supervision generalises to
classes that no training clip had, where label supervision cannot. Preset `paper` is LAION-CLAP's
sizes (arXiv:2211.06687) without fusion: the two towers that the survey's lineage starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, Clip, ClipSet, open_clips
from earshot.data.captioned import train_and_test
from earshot.data.clip_set import check_single_labels
from earshot.data.described import (
    Descriptions,
    Unheard,
    descriptions_of,
    draw_held_out,
    exchanged,
    named_held_out,
    unheard,
    wholes,
)
from earshot.data.shared import need_shared_data, shared_data
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.panns import CnnConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.metrics import accuracy
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.embedder import Embedder
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.start import Start
from earshot.models.towers import (
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
    start_text_from,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.infonce import InfoNCE
from earshot.synth.kind_clips import KindClipsConfig, kind_clips
from earshot.synth.sounds import SOUNDS
from earshot.text.lexicon import Lexicon, audioset_lexicon, shipped_lexicon
from earshot.text.prompt_ensemble import ensemble
from earshot.text.word_overlap import word_overlap
from earshot.training.evaluation import hear
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.label_head import head_scores, label_logits
from earshot.training.recipe_run import RecipeRun
from earshot.training.unseen_figures import few_shot_figures, named_among, unseen_of

PAPER = Paper(
    key="alm_survey",
    title="Audio-Language Models for Audio-Centric Tasks: A Systematic Survey",
    arxiv=("2501.15177",),
    family="captioning",
    year=2025,
    claims={
        "unseen": "Taught by descriptions, an encoder names kinds of sound that it never heard by "
        "what they are like.",
        "words_later": "It names more of them than a tagger, the same encoder taught by labels, "
        "whose labels are given the same descriptions afterwards.",
        "one_example": "Descriptions of such kinds are worth as much to it as one example of each "
        "is to the tagger.",
        "examples": "A few examples are worth as much to it as to the tagger.",
        "real": "It names recordings of everyday sounds, of kinds that it never heard, as well.",
    },
)
N_WAYS = 4  # held-out labels that are told from each other: chance is a quarter
SHOTS = (1, 5)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    supervision: Literal["language", "labels"] = "language"  # labels: a tagger with a fixed head
    n_labels: int = 0  # of that head; set by the run
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # clips, over all processes
    max_s: float = 10.0  # longer clips are cropped to this in training, at random
    n_held_out: int = 24  # labels that training never hears, drawn by seed
    held_out: tuple[str, ...] = ()  # or these
    exchange: bool = False  # the control: each label is told by another one's descriptions
    text_weights: str | None = None  # public weights for the text tower: a folder or a hub name
    recordings: str = ""  # a set of EARSHOT_SHARED beside the toy: its labels are held out, 4 of 10
    toy: KindClipsConfig = field(default_factory=KindClipsConfig)  # the clips without --data
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """HTSAT-tiny and RoBERTa-base. Source: arXiv:2211.06687, 3 and 4.1."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.laion(),  # 48 kHz, 64 mels, hop 480
                audio=AudioTower(htsat=HtsatConfig.tiny()),
                text=TextTower(published=PublishedText.roberta()),
                dim=512,
                window_s=10.0,
                fill="repeatpad",
            ),
            fit=FitConfig(
                steps=50_800,  # 45 epochs of about 2.6 M pairs
                learning_rate=1e-4,
                warmup_steps=3_200,
                checkpoint_every=1_000,
                seed=3_407,
            ),
            batch_size=2_304,
            text_weights="roberta-base",
            seed=3_407,
        )

    @classmethod
    def small(cls) -> Config:
        """The CNN of panns' small preset beside a mean of words: half a minute on one core."""
        cnn = CnnConfig(
            n_mels=32,
            channels=(8, 24, 48, 96),
            n_pools=4,
            dim=96,
            n_classes=0,
            block_dropout=0.0,
            dropout=0.1,
            silence_db=-100.0,
        )
        features = LogMelConfig(
            sample_rate=16_000,  # Hz (paper 48 000)
            n_fft=512,
            hop_length=500,  # 32 frames a second (paper 100)
            n_mels=32,  # (paper 64)
            f_max=8_000.0,
            precision="single",
        )
        return cls(
            model=TwoTowerConfig(
                features=features,
                audio=AudioTower(cnn=cnn),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=64, depth=0))),
                dim=64,  # (paper 512)
                window_s=1.0,  # (paper 10)
                fill="none",
            ),
            fit=FitConfig(steps=150, learning_rate=3e-3, warmup_steps=15),  # (50 800, 1e-4)
            batch_size=48,  # (paper 2 304)
            max_s=1.0,
        )


def build(config: Config) -> SoundEncoder:
    """The model with random weights: two towers, or their audio encoder with a head of labels."""
    if config.supervision == "language":
        return build_two_tower(config.model)
    cnn = config.model.audio.cnn
    if cnn is None:
        raise EarShotError(
            got="supervision=labels for an encoder without a head of labels",
            expected="a PANNs CNN",
            mend="Set model.audio.cnn, and the others to none; or supervision=language.",
        )
    return build_sound_encoder(
        SoundEncoderConfig(
            audio=AudioTower(cnn=replace(cnn, n_classes=config.n_labels)),
            features=config.model.features,
            window_s=config.model.window_s,
            fill=config.model.fill,
        )
    )


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Train on labelled clips (procedural kinds of sound when None) but for some labels, in `out`.

    A caption says what its label sounds like, without its name; a set's own are not read.
    Then measure on all clips of the labels held out. The folder loads as a model.
    """
    material = find_material(config, data)
    labels = list(material.train.labels)
    config = replace(config, n_labels=len(labels) if config.supervision == "labels" else 0)
    if start is not None and config.supervision == "labels":
        raise EarShotError(
            got="a model to start from with supervision=labels",
            expected="supervision=language",
            mend="Leave --model out: a head of labels starts at random.",
        )
    ids = [clip.id for clip in material.train]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume, start=start)
    model = build(config) if start is None else start.model
    if config.text_weights is not None and start is None and isinstance(model, TwoTower):
        start_text_from(model, config.text_weights)
    loader = this.loader(
        material.train,
        batch_size=config.batch_size,
        sample_rate=model.sample_rate,
        max_s=config.max_s,
    )

    def loss_of(batch: Batch) -> Tensor:
        return (
            language_loss(model, batch) if isinstance(model, TwoTower) else label_loss(model, batch)
        )

    this.fit(model, loss_of, loader.batches, config.fit)
    extra = {} if isinstance(model, TwoTower) else {"labels": labels}
    return this.finish(model, lambda: measure_model(model.eval(), config, material), **extra)


def language_loss(model: TwoTower, batch: Batch) -> Tensor:
    """Every clip told from those of other descriptions by one of its own, and the other way."""
    audio = model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
    text = model.embed_text(batch.captions)  # [batch, dim]
    loss: Tensor = InfoNCE()(audio, text, model.scale, groups=batch.target)
    return loss


def label_loss(model: SoundEncoder, batch: Batch) -> Tensor:
    """One label of all: the same cross-entropy, over a head in the place of the batch's texts."""
    return F.cross_entropy(label_logits(model, batch.waveform, batch.n_samples), batch.target)


def find_material(config: Config, data: ClipSet | None) -> Unheard:
    """The clips in their parts: of the set handed in, or procedural kinds, beside recordings."""
    if data is not None:
        check_single_labels(data)
        held = held_out_of(config, data.labels)
        train, test = train_and_test(data, config.seed)
        of_unseen = [clip for clip in data if clip.labels[0] in held]
        told = descriptions_of(data.labels, lexicon_of(data.labels))
        seen = tuple(label for label in data.labels if label not in held)
        return _parted(config, (train, test, of_unseen), seen, held, told)
    if config.recordings:
        return _with_recordings(config)
    kinds = config.toy.kinds or tuple(SOUNDS)
    held = held_out_of(config, kinds)
    seen = tuple(kind for kind in kinds if kind not in held)
    train = kind_clips(config.seed, seen, "train", config.toy)
    test = kind_clips(config.seed, seen, "test", replace(config.toy, n_test=1))
    unseen = kind_clips(config.seed, held, "test", config.toy)
    told = descriptions_of(kinds, shipped_lexicon())
    return _parted(config, (train, test, list(unseen)), seen, held, told)


def _with_recordings(config: Config) -> Unheard:
    """Procedural kinds and recordings of some labels; recordings of the others are unseen."""
    lexicon = shipped_lexicon()
    real = open_clips(need_shared_data(config.recordings))
    check_single_labels(real)
    all_kinds = config.toy.kinds or tuple(SOUNDS)
    told = descriptions_of((*all_kinds, *real.labels), lexicon)
    held = held_out_of(config, real.labels)
    same = {lexicon.of(label) for label in held}  # a kind that is such a sound is held out as well
    kinds = tuple(kind for kind in all_kinds if lexicon.of(kind) not in same)
    train, test = (
        kind_clips(config.seed, kinds, split, replace(config.toy, n_test=1))
        for split in ("train", "test")
    )
    own = [replace(clip, split="train") for clip in real if clip.labels[0] not in held]
    seen = tuple(dict.fromkeys((*kinds, *(clip.labels[0] for clip in own))))
    both = ClipSet([*train, *own], name="kinds and recordings", labels=list(seen))
    of_unseen = [clip for clip in real if clip.labels[0] in held]
    return _parted(config, (both, test, of_unseen), seen, held, told)


def _parted(
    config: Config,
    parts: tuple[Sequence[Clip], Sequence[Clip], Sequence[Clip]],
    seen: tuple[str, ...],
    held: tuple[str, ...],
    told: Descriptions,
) -> Unheard:
    """The parts with the words they are taught by: another label's in the control."""
    taught = {label: told[label] for label in seen}
    return unheard(
        *parts, exchanged(taught, config.seed) if config.exchange else taught, held, told
    )


def held_out_of(config: Config, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that training never hears."""
    if config.held_out:
        return named_held_out(labels, config.held_out)
    return draw_held_out(labels, config.n_held_out, config.seed)


def lexicon_of(labels: tuple[str, ...]) -> Lexicon:
    """The lexicon of everyday sounds, or AudioSet's where that one lacks a label."""
    everyday = shipped_lexicon()
    return everyday if all(everyday.of(label) for label in labels) else audioset_lexicon()


def measure_model(
    model: SoundEncoder, config: Config, material: Unheard
) -> tuple[dict[str, float], list[str]]:
    """Figures of the labels held out, and a sentence for each clip that could not be read.

    `zero_shot`: clips named among four of these labels by descriptions. A tagger has no words: for
    it, descriptions of the labels it knows are compared with those of the others by shared words,
    and its probabilities weigh them (arXiv:1312.5650). `shot_K`, `probe_K`: by K examples a label.
    `seen`: other clips of the labels of training, named among all of these.
    """
    embedder = Embedder(model, PAPER.key, device=next(model.parameters()).device)
    unseen, seen = hear(embedder, material.unseen), hear(embedder, material.seen)
    present = {clip.labels[0] for clip in unseen.clips}
    held = [label for label in material.unseen.labels if label in present]
    known = list(material.train.labels)
    told_held, told_known = ([wholes(material.told[one]) for one in some] for some in (held, known))
    rows = unseen_of(unseen.embeddings, unseen.clips, held)
    if isinstance(model, TwoTower):
        scores = unseen.embeddings @ ensemble(embedder.embed_texts, told_held).T
        seen_scores = seen.embeddings @ ensemble(embedder.embed_texts, told_known).T
    else:
        seen_scores, on_unseen = (head_scores(model, heard.clips) for heard in (seen, unseen))
        chances = np.exp(on_unseen - on_unseen.max(1, keepdims=True))
        scores = chances / chances.sum(1, keepdims=True) @ word_overlap(told_known, told_held)
    n_ways = min(N_WAYS, len(held))
    figures = {"zero_shot": named_among(scores, rows.target, n_ways, config.seed)}
    shots = [k for k in SHOTS if k < rows.fewest_recordings]
    figures |= few_shot_figures(rows, shots, n_ways, config.seed)
    if len(seen.clips):
        target = [known.index(clip.labels[0]) for clip in seen.clips]
        figures["seen"] = accuracy(seen_scores, target)
    return figures | {"chance": 1 / n_ways}, [*unseen.faults, *seen.faults]


def claim() -> Experiment:
    """Language, labels, and language that tells nothing; the same beside recordings if there."""
    base = Config.small()
    arms = {
        "language": (base, "descriptions of each kind of sound"),
        "labels": (replace(base, supervision="labels"), "the same encoder, a head of labels"),
        "exchanged": (replace(base, exchange=True), "control: another kind's descriptions"),
    }
    comparisons = [
        Comparison("unseen", "zero_shot", "language", 1 / N_WAYS),
        Comparison("unseen", "zero_shot", "language", "exchanged"),
        Comparison("words_later", "zero_shot", "language", "labels"),
        Comparison("one_example", "zero_shot", "language", "labels", "not below", "shot_1"),
        *(
            Comparison("examples", f"{how}_{k}", "language", "labels", "not below")
            for how in ("shot", "probe")
            for k in SHOTS
        ),
    ]
    if shared_data("esc10") is not None:
        for name, (config, note) in list(arms.items()):
            real = replace(config, recordings="esc10", n_held_out=N_WAYS)
            arms[f"real_{name}"] = (real, f"recordings: {note}")
        comparisons += [
            Comparison("real", "zero_shot", "real_language", 1 / N_WAYS),
            Comparison("real", "zero_shot", "real_language", "real_exchanged"),
            Comparison("words_later", "zero_shot", "real_language", "real_labels"),
            Comparison("examples", "shot_1", "real_language", "real_labels", "not below"),
        ]
    return Experiment(
        recipe=PAPER.key,
        arms=tuple(Arm(name, config, note) for name, (config, note) in arms.items()),
        comparisons=tuple(comparisons),
        measure=measure,
    )


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
