"""CWCL: Cross-Modal Transfer with Continuously Weighted Contrastive Loss (arXiv:2309.14580).

    paper                         here                               differs from the paper
    the loss             3        objectives/cwcl.py
    weights w_ij         3        objectives/soft_positives.py       also a power, other sources
    locked text tower    4.2      models/two_tower.py (lock),        read once, kept for the corpus
                                  training/locking.py
    speech tower         4.2      encoders/whisper.py, a matrix      sizes of the paper not verified
    sentence encoder     4.2      encoders/pretrained_text.py        mean of RoBERTa's tokens
    speech and text      4.2      synth/commands.py,                 procedural voices, digits
                                  data/spoken_digits.py

The claim: where classes are coarser than the pairs of training, graded positives from the frozen
side name them better than each pair alone does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, Clip, ClipSet
from earshot.data.captioned import shuffled_captions, train_and_test, with_captions
from earshot.data.shared import shared_data
from earshot.data.spoken_digits import NAME as DIGITS
from earshot.data.spoken_digits import SENTENCES, digit_clips
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.whisper import WhisperConfig
from earshot.features import LogMelConfig
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.metrics.cosines import CosineHistogram, cosine_histogram
from earshot.models.embedder import Embedder
from earshot.models.start import Start
from earshot.models.starting_weights import check_text_is_trained, start_audio, start_text
from earshot.models.towers import (
    AudioTower,
    BpeText,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    build_two_tower,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.cwcl import CWCL
from earshot.objectives.soft_positives import CosineWeights, Prepare, own_only, tag_overlap
from earshot.synth.commands import CommandConfig, command_clips
from earshot.text.prompts import PLAIN, fill_prompts
from earshot.training.evaluation import Heard, hear, zero_shot_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.locking import LockedTexts
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="cwcl",
    title="CWCL: Cross-Modal Transfer with Continuously Weighted Contrastive Loss",
    arxiv=("2309.14580",),
    family="alignment",
    year=2023,
    claims={
        "zero_shot": "Taught by transcripts alone, speech is named by intents better with graded "
        "positives from the frozen text side than with each pair alone.",
        "digits": "The same for real recordings of digits by a speaker who was not heard before.",
    },
)


# Weights of the text tower; of the audio tower as the run found it; of shared labels; or none.
WeighBy = Literal["text", "audio", "labels", "nothing"]


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    fit: FitConfig = field(default_factory=FitConfig)
    weigh_by: WeighBy = "text"  # paper: cosines of the frozen side
    kappa: float = 1.0  # power of the cosines' weights; the paper has none
    prepare: Prepare = "none"  # centre or whiten rows, for their weights alone
    reduce: Literal["sum", "mean"] = "sum"  # of the two directions
    drop_doubles: bool = False  # keep each transcript once in a batch
    batch_size: int = 64  # clips, over all processes
    max_s: float = 4.0  # longer clips are cropped to this in training, at random
    spec_augment: SpecAugmentConfig | None = None
    shuffle_captions: bool = False  # the control: each clip gets another clip's words
    text_weights: str | None = "earshot-small"  # shipped, a run folder, or public ones
    audio_weights: str | None = None  # a published Whisper, for a Whisper tower
    prompts: tuple[str, ...] = (PLAIN,)  # for naming clips: a label is the mean of these
    toy: CommandConfig = field(default_factory=CommandConfig)  # the clips without --data
    recordings: bool = False  # without --data: real spoken digits from EARSHOT_SHARED
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """Whisper base and a RoBERTa-base sentence encoder, locked: 145.0 M parameters.

        The published sizes could not be verified; these follow the method's description.
        """
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.whisper(),
                audio=AudioTower(whisper=WhisperConfig.base()),  # 4.2: a Whisper encoder, mean
                text=TextTower(published=PublishedText.sentences()),  # 4.2: RoBERTa, mean
                projection="linear",  # to the frozen side's size
                text_projection="none",  # the frozen side's own space
                dim=768,
                window_s=30.0,
                fill="none",
            ),
            fit=FitConfig(
                steps=40_000,  # 10 epochs of about 1 M pairs of Common Voice
                learning_rate=1e-4,
                warmup_steps=2_000,
                weight_decay=0.05,
                checkpoint_every=1_000,
            ),
            batch_size=256,
            max_s=30.0,
            spec_augment=SpecAugmentConfig(),  # widths as in CLAP
            text_weights="sentence-transformers/nli-roberta-base-v2",
            audio_weights="openai/whisper-base",
        )

    @classmethod
    def small(cls) -> Config:
        """A small CNN under the text tower of earshot-small: a minute on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=8_000,  # Hz (paper 16 000)
                    n_fft=256,
                    hop_length=192,  # samples, 24 ms (paper 10 ms)
                    n_mels=32,  # (paper 80)
                    f_max=4_000.0,
                ),
                audio=AudioTower(
                    earshot=EarshotCnnConfig(n_mels=32, widths=(8, 16, 32), dim=128, n_heads=4)
                ),  # 0.2 M parameters (paper 20.6 M)
                text=TextTower(bpe=BpeText()),
                dim=256,  # (paper 768)
                window_s=4.0,  # (paper 30)
                fill="none",
            ),
            fit=FitConfig(steps=180, learning_rate=3e-3, warmup_steps=20, weight_decay=0.05),
            batch_size=128,  # (paper 256): of 64 too few texts are alike for weights to matter
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
    """Train the audio tower on `data` (spoken commands when None), then measure the test split.

    The text tower is that of `start`, or starts from `config.text_weights`, and is locked. The
    folder then loads as a model. Figures: those of `measure_split`.
    """
    if start is None:
        check_trained(config)
    train, test = split_clips(own_clips(config) if data is None else data, config)
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    if config.drop_doubles and this.world > 1:
        raise EarShotError(
            got=f"drop_doubles with {this.world} processes",
            expected="batches of one length in all of them",
            mend="Train in one process, or keep doubles.",
        )
    model = this.two_tower(build)
    if start is None:
        start_text(model, str(config.text_weights))
        if config.audio_weights is not None:
            start_audio(model, config.audio_weights)
    if config.spec_augment is not None:
        model.spec_augment = SpecAugment(config.spec_augment)
    loader = this.loader(
        train, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=config.max_s
    )
    texts = LockedTexts(model, (caption for clip in train for caption in clip.captions))
    told = cosine_histogram(texts([clip.captions[0] for clip in train]).cpu().numpy())
    sounds = HeardOnce(model.eval(), train) if config.weigh_by == "audio" else None
    objective = build_loss(config, texts if sounds is None else sounds)

    def loss_of(batch: Batch) -> Tensor:
        kept = first_of_each(batch.captions) if config.drop_doubles else range(len(batch.captions))
        rows = list(kept)
        audio = model.embed_audio(batch.waveform[rows], batch.n_samples[rows])  # [batch, dim]
        text = texts([batch.captions[row] for row in rows])  # [batch, dim]
        by = None if sounds is None else sounds([batch.clips[row] for row in rows])
        if config.weigh_by == "labels":
            by = labels_of(batch)[rows]  # [batch, n_labels]
        return objective(audio, text, model.scale, by=by)

    this.fit(model, loss_of, loader.batches, config.fit)

    def measure() -> tuple[dict[str, float], list[str]]:
        known = {label for clip in train for label in clip.labels}
        figures, faults = measure_split(model.eval(), config, known, test)
        cosines = {f"cosine_{name}": value for name, value in told.quantiles.items()}
        return figures | cosines, [f"Cosines of the training texts: {told.to_text()}", *faults]

    return this.finish(model, measure, cosines=as_json(told))


def check_trained(config: Config) -> None:
    """Refuse a tower at random where a trained one has to say what is alike."""
    check_text_is_trained(config.model, config.text_weights)
    if config.weigh_by == "audio" and config.audio_weights is None:
        raise EarShotError(
            got="weigh_by=audio with an audio tower at random",
            expected="one that was trained, to say which sounds are alike",
            mend="Start from a model with --model, or set audio_weights or weigh_by=text.",
        )


def own_clips(config: Config) -> ClipSet:
    """What a run without data trains on."""
    if config.recordings:
        return digit_clips(config.seed, templates=SENTENCES)
    return command_clips(config.seed, config.toy)


def split_clips(clips: ClipSet, config: Config) -> tuple[ClipSet, ClipSet]:
    """Training clips with the captions that this config gives them, and test clips."""
    train, test = train_and_test(clips, config.seed)
    told = with_captions(train, config.seed)
    return shuffled_captions(told, config.seed) if config.shuffle_captions else told, test


class HeardOnce:
    """Unit rows of every training clip, by the audio tower as it is when this is made."""

    def __init__(self, model: TwoTower, clips: ClipSet) -> None:
        self.device = model.logit_scale.device
        heard = hear(Embedder(model, PAPER.key, device=self.device), clips)
        self.rows = torch.from_numpy(heard.embeddings)  # [clips, dim]
        self.place = {clip.id: i for i, clip in enumerate(heard.clips)}

    def all_rows(self) -> Tensor:
        """Rows [clips, dim] of all that could be read."""
        return self.rows

    def __call__(self, clips: list[Clip]) -> Tensor:
        """Rows [batch, dim] of some of them."""
        return self.rows[[self.place[clip.id] for clip in clips]].to(self.device)


def build_loss(config: Config, corpus: LockedTexts | HeardOnce) -> CWCL:
    """The loss with this config's weights; a centre or whitening is that of the corpus."""
    if config.weigh_by in ("text", "audio"):
        weigh = CosineWeights(config.kappa, config.prepare)
        if config.prepare != "none":
            weigh.fit(corpus.all_rows())
        return CWCL(weigh, reduce=config.reduce)
    return CWCL(tag_overlap if config.weigh_by == "labels" else own_only, reduce=config.reduce)


def labels_of(batch: Batch) -> Tensor:
    """Every clip's labels as 0 and 1, [batch, n_labels]."""
    if batch.labels_hot is None:
        raise EarShotError(
            got="weigh_by=labels for clips without labels",
            expected="labels that say which clips are alike",
            mend="Set weigh_by=text, or give the clips labels.",
        )
    return batch.labels_hot


def first_of_each(texts: list[str]) -> list[int]:
    """Where each distinct text stands first."""
    return [i for i, text in enumerate(texts) if texts.index(text) == i]


def measure_split(
    model: TwoTower, config: Config, known: set[str], test: ClipSet
) -> tuple[dict[str, float], list[str]]:
    """Figures of the test split, and a sentence for each clip that could not be read.

    `zero_shot`: naming by prompts. `text_bound`: the same with the true transcript in the place of
    the sound. `transcript_r1`: share of clips whose nearest of all the test's transcripts is one
    of their own.
    """
    embedder = Embedder(model, PAPER.key, device=model.logit_scale.device)
    heard = hear(embedder, test)

    def rows_of(labels: Sequence[str]) -> np.ndarray:
        """A unit row a label: the mean of its prompts."""
        prompts = [embedder.embed_texts(fill_prompts(each, labels)) for each in config.prompts]
        mean = np.mean(prompts, axis=0)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    figures = zero_shot_figures(rows_of, heard, test.labels, known, lambda label: label)
    told = [(row, clip) for row, clip in zip(heard.embeddings, heard.clips, strict=True)
            if clip.captions]  # fmt: skip
    if told:
        clips = [clip for _, clip in told]
        read = Heard(embedder.embed_texts([clip.captions[0] for clip in clips]), clips)
        bound = zero_shot_figures(rows_of, read, test.labels, known, lambda label: label)
        if "zero_shot" in bound:
            figures["text_bound"] = bound["zero_shot"]
        texts = sorted({caption for clip in clips for caption in clip.captions})
        best = (np.stack([row for row, _ in told]) @ embedder.embed_texts(texts).T).argmax(1)
        hits = [texts[i] in clip.captions for i, clip in zip(best, clips, strict=True)]
        own = np.mean([len(set(clip.captions)) for clip in clips])
        figures["transcript_r1"] = float(np.mean(hits))
        figures["transcript_chance"] = float(own / len(texts))
    return figures, heard.faults


def as_json(told: CosineHistogram) -> dict[str, list[float]]:
    """The histogram for the checkpoint."""
    return {"edges": told.edges.tolist(), "share": told.share.tolist()}


def claim() -> Experiment:
    """Both claims: arms, controls and comparisons; the digits where EARSHOT_SHARED has them.

    The power that the claims are about, 16, was fixed beforehand; the others are there to see.
    """
    small = Config.small()
    plain = replace(small, weigh_by="nothing")
    sharp = replace(small, kappa=16.0)
    control = replace(sharp, shuffle_captions=True)
    arms = [
        Arm("cl", plain, "each pair alone: InfoNCE twice"),
        Arm("cwcl_1", small, "the paper's weights"),
        Arm("cwcl_1_centred", replace(small, prepare="centre"), "the same of centred texts"),
        Arm("cwcl_4", replace(small, kappa=4.0), "weights to the power of 4"),
        Arm("cwcl_16", sharp, "weights to the power of 16"),
        Arm("labels", replace(small, weigh_by="labels"), "reference that knows the intents"),
        Arm("shuffled", control, "control: other clips' words"),
        Arm("cl_once", replace(plain, drop_doubles=True), "cl, each transcript once a batch"),
        Arm("cwcl_16_once", replace(sharp, drop_doubles=True), "cwcl_16, each transcript once"),
    ]
    comparisons = [
        Comparison("zero_shot", "zero_shot", "cwcl_16", "cl"),
        Comparison("zero_shot", "zero_shot", "cwcl_16_once", "cl_once"),
        Comparison("zero_shot", "zero_shot", "cwcl_16", "shuffled"),
        Comparison("zero_shot", "zero_shot", "cwcl_4", "cl"),
        Comparison("zero_shot", "zero_shot", "cwcl_1", "cl"),
        Comparison("zero_shot", "zero_shot", "labels", "cwcl_16"),
        Comparison("zero_shot", "transcript_r1", "cwcl_16", "shuffled"),
    ]
    if shared_data(DIGITS) is not None:
        arms += [
            Arm("digits_cl", replace(plain, recordings=True), "digits: each pair alone"),
            Arm("digits_cwcl_16", replace(sharp, recordings=True), "digits: graded positives"),
            Arm("digits_shuffled", replace(control, recordings=True), "digits: control"),
        ]
        comparisons += [
            Comparison("digits", "zero_shot", "digits_cwcl_16", "digits_cl"),
            Comparison("digits", "zero_shot", "digits_cwcl_16", "digits_shuffled"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
