"""Pre-training for Speech Translation: CTC Meets Optimal Transport (arXiv:2301.11716).

    paper                               here                            differs from the paper
    speech encoder, decoder    3.1, 4   models/speech_to_text.py        padding is masked exactly
    text encoder               3.1      models/text_encoder.py
    CTC                        2.2      objectives/ctc.py
    Wasserstein loss, position 3.2      objectives/sinkhorn.py          padding has no mass
    CE, CTC, CTC+CE, CTC+OT    4.2      pretraining_loss
    phonemes                   4.1      text/vocabulary.py, a column    letters where there are none
    checkpoint averaging       4.1      translation_fit.ema_decay       a running mean
    released checkpoints       code     models/loading/fairseq_s2t.py

Three stages: text to text, whose decoder is kept; speech to transcript, which teaches the speech
encoder by CE, CTC or CTC with a transport to the text encoder's states; speech to translation,
which puts that encoder before that decoder. The claims: an encoder taught by CTC is worth more to
translation than one taught by CE, and most where its states have been drawn to those of text.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import ClipSet
from earshot.data.shared import shared_data
from earshot.data.utterances import Utterance, UtteranceBatch, UtteranceBatches
from earshot.features import KaldiFbankConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig
from earshot.models.text_encoder import TextEncoder, TextEncoderConfig
from earshot.objectives.ctc import ctc_loss
from earshot.objectives.sinkhorn import SinkhornConfig, sequence_divergence
from earshot.synth.prototype_speech import PrototypeLanguage, PrototypeSpeechConfig
from earshot.text.vocabulary import Kind, Vocabulary
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.translation import listening_figures, writing_figures
from earshot.training.translation_material import Material, clip_material, stamps_material

PAPER = Paper(
    key="ctc_ot",
    title="Pre-training for Speech Translation: CTC Meets Optimal Transport",
    arxiv=("2301.11716",),
    family="alignment",
    year=2023,
    claims={
        "pretraining": "After the same fine-tuning, an encoder taught by CTC translates better "
        "than one taught by cross-entropy, and one drawn to text by optimal transport best.",
        "gap": "Transport makes the gap between speech and text the smallest, so that speech finds "
        "its transcript; without positions it loses the order.",
        "real": "The same on spoken descriptions in Spanish, translated to English.",
    },
)


@dataclass(frozen=True)
class ToyConfig:
    """Clips without --data: speech of a toy language, or the set `stamps` of real speech."""

    speech: PrototypeSpeechConfig = field(default_factory=PrototypeSpeechConfig)
    n_texts: int = 20_000  # sentences for the first stage
    n_train: int = 2_000
    n_test: int = 200
    stamps: tuple[str, ...] = ()  # languages of real speech instead
    held_out: float = 0.1  # of the captions of real speech


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    speech: SpeechToTextConfig
    text: TextEncoderConfig
    text_fit: FitConfig
    pretraining_fit: FitConfig
    translation_fit: FitConfig
    pretraining: Literal["ce", "ctc", "ctc+ce", "ctc+ot", "none"] = "ctc+ot"
    ot_weight: float = 0.1  # alpha, section 4.2
    ctc_weight: float = 1.0
    label_smoothing: float = 0.1  # of CE, in all stages
    sinkhorn: SinkhornConfig = field(default_factory=SinkhornConfig)
    detach_text: bool = False  # the transport then moves the speech encoder alone
    wrong_text: bool = False  # the control: transport to another sentence's states
    translated: tuple[int, ...] = ()  # utterances with a translation: a stage each; all if empty
    batch_size: int = 32  # utterances, over all processes
    transcript: str = "transcript"  # the column of what is said
    source_kind: Kind = "words"  # symbols of transcripts: words of a phoneme column, or characters
    target_kind: Kind = "pieces"
    language: str = "en"  # of the translations
    longest_s: float = 30.0  # longer clips are left out; windows of longer files
    n_beams: int = 5
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """Siamese-PT medium on one pair of MuST-C: 71.2 M parameters translate."""
        fit = FitConfig(
            steps=40_000,  # 100 epochs (4.1) of about 230 k utterances
            learning_rate=2e-3,
            warmup_steps=10_000,
            schedule="inverse_sqrt",
            betas=(0.9, 0.98),
            clip_norm=10.0,
            checkpoint_every=1_000,
        )
        augment = SpecAugmentConfig(
            time_width=101, n_time=1, mel_width=28, n_mel=1, fill="zero"
        )  # "lb" of fairseq's S2T: up to 100 frames, up to 27 bands
        return cls(
            speech=replace(SpeechToTextConfig.medium(), spec_augment=augment, dropout=0.2),
            text=TextEncoderConfig(vocab_size=128),  # phonemes, with and without word start
            text_fit=replace(fit, learning_rate=5e-4, warmup_steps=4_000),  # not in the paper
            pretraining_fit=fit,
            translation_fit=replace(
                fit,
                steps=20_000,  # 50 epochs (4.1)
                ema_decay=0.9995,  # about the last ten of them (4.1: their mean)
            ),
            batch_size=576,  # 40 000 frames x 8 (code), of about 550 frames
            transcript="phonemes",
            longest_s=30.0,  # 3 000 frames
            seed=1,
        )

    @classmethod
    def large(cls) -> Config:
        """Siamese-PT large: 267.8 M parameters translate."""
        paper = cls.paper()
        return replace(
            paper,
            speech=replace(
                SpeechToTextConfig.large(), spec_augment=paper.speech.spec_augment, dropout=0.25
            ),
        )

    @classmethod
    def small(cls) -> Config:
        """Half a million parameters on a toy language's frames: under a minute on one core."""
        speech = SpeechToTextConfig(
            vocab_size=32,  # 24 words and 4 special ids (paper 10 000)
            n_features=20,  # of the toy's frames (paper 80)
            cmvn=False,
            dim=96,  # (paper 512)
            mlp_dim=192,  # (paper 2 048)
            n_heads=4,
            encoder_depth=3,  # (paper 12)
            decoder_depth=2,  # (paper 6)
            conv_dim=96,  # (paper 1 024)
            most_tokens=16,
        )
        fit = FitConfig(
            learning_rate=2e-3, warmup_steps=50, betas=(0.9, 0.98), checkpoint_every=500
        )
        return cls(
            speech=speech,
            text=TextEncoderConfig(vocab_size=32, depth=2, most_symbols=64),
            text_fit=replace(fit, steps=400),
            pretraining_fit=replace(fit, steps=250),  # (paper 100 epochs; these are 4)
            translation_fit=replace(fit, steps=200, learning_rate=1e-3),
            translated=(300,),
            target_kind="words",
        )

    @classmethod
    def small_speech(cls) -> Config:
        """The small model on speech: letters heard, pieces written; Spanish without --data."""
        small = cls.small()
        fbank = KaldiFbankConfig(n_mels=40, gain=2.0**15, precision="single")
        speech = replace(
            small.speech,
            vocab_size=600,
            fbank=fbank,
            n_features=40,
            cmvn=True,
            spec_augment=SpecAugmentConfig(
                time_width=16, n_time=1, mel_width=8, n_mel=1, fill="zero"
            ),
            most_tokens=32,
        )
        return replace(
            small,
            speech=speech,
            text=TextEncoderConfig(vocab_size=160, depth=2, most_symbols=256),
            text_fit=replace(small.text_fit, steps=250),
            pretraining_fit=replace(small.pretraining_fit, steps=300),
            translated=(),
            translation_fit=replace(small.translation_fit, steps=150),
            batch_size=16,
            source_kind="characters",
            target_kind="pieces",
            longest_s=4.0,
            toy=replace(small.toy, stamps=("es",)),
        )


def build(config: Config) -> SpeechToText:
    """The model that translates, with random weights."""
    return SpeechToText(replace(config.speech, n_ctc=None))


def build_listener(config: Config) -> SpeechToText:
    """The model of the second stage: the same encoder, over the symbols of transcripts."""
    n_symbols = config.text.vocab_size
    return SpeechToText(replace(config.speech, vocab_size=n_symbols, n_ctc=n_symbols))


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Train the three stages in `out`, then measure the test split.

    `data` has a column of transcripts, and captions that translate them; a toy language without.
    The folder then serves `earshot translate`. Figures: training/translation.py.
    """
    material = material_of(config, data)
    ids = [each.id for each in material.train]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume)
    model, listener = build(config), build_listener(config)
    text = TextEncoder(config.text, config.speech)
    known = [*material.texts, *material.train]
    source = Vocabulary.learn(
        (each.source for each in known), config.source_kind, size=config.text.vocab_size
    )
    target = Vocabulary.learn(
        (each.target for each in known), config.target_kind, size=config.speech.vocab_size
    )

    def batches(utterances: Sequence[Utterance]) -> UtteranceBatches:
        place = {"rank": this.rank, "world": this.world}
        size = min(config.batch_size, len(utterances))
        return UtteranceBatches(
            utterances, source, target, batch_size=size, seed=config.seed, **place
        )

    def text_loss(batch: UtteranceBatch) -> Tensor:
        states = text(batch.source, batch.n_source)
        return model.loss(states, batch.target, label_smoothing=config.label_smoothing)

    def translation_loss(batch: UtteranceBatch) -> Tensor:
        states = model.encode(batch.frames, batch.n_frames)
        return model.loss(states, batch.target, label_smoothing=config.label_smoothing)

    both = nn.ModuleList([text, model])
    this.fit(both, text_loss, batches(known).batches, config.text_fit, stage="text")
    if config.pretraining != "none":
        moved = "ot" in config.pretraining and not config.detach_text
        parts = nn.ModuleList([listener, text] if moved else [listener])
        this.fit(
            parts,
            pretraining_loss(config, listener, text.eval()),
            batches(material.train).batches,
            config.pretraining_fit,
            stage="pretraining",
        )
    model.encoder.load_state_dict(listener.encoder.state_dict())
    begun = copy.deepcopy(model.state_dict())
    figures: dict[str, float] = {}
    for n in config.translated or (len(material.train),):
        model.load_state_dict(begun)
        utterances = material.train[:n]
        this.fit(
            model,
            translation_loss,
            batches(utterances).batches,
            config.translation_fit,
            stage=f"translation_{n}",
        )
        found = writing_figures(model.eval(), material.test, source, target, config.n_beams)
        figures |= {f"{name}_{n}": value for name, value in found.items()}

    def measure() -> tuple[dict[str, float], list[str]]:
        heard = listening_figures(
            listener.eval(),
            text.eval(),
            material.test,
            source,
            by_ctc="ctc" in config.pretraining,
            sinkhorn=config.sinkhorn,
            seed=config.seed,
        )
        return {**found, **figures, **heard}, material.faults

    words = {"source": source.to_dict(), "target": target.to_dict(), "language": config.language}
    return this.finish(model, measure, vocabularies=words, window_s=config.longest_s)


def pretraining_loss(
    config: Config, listener: SpeechToText, text: TextEncoder
) -> Callable[[UtteranceBatch], Tensor]:
    """The loss of the second stage: what `config.pretraining` names, summed.

    CTC and transport are summed over the batch and divided by its symbols, as the code does.
    """
    parts = config.pretraining.split("+")

    def loss_of(batch: UtteranceBatch) -> Tensor:
        assert batch.frames is not None
        states = listener.encode(batch.frames, batch.n_frames)
        n_symbols, loss = batch.n_source.sum(), states.hidden.new_zeros(())
        if "ctc" in parts:
            logits = listener.ctc_logits(states)
            ctc = ctc_loss(logits, states.n_positions, batch.source, batch.n_source)
            loss = loss + config.ctc_weight * ctc.sum() / n_symbols
        if "ce" in parts:
            smoothing = config.label_smoothing
            loss = loss + listener.loss(states, batch.source_end, label_smoothing=smoothing)
        if "ot" in parts:
            turn = 1 if config.wrong_text else 0  # by one sentence
            with torch.set_grad_enabled(not config.detach_text):
                read = text(batch.source.roll(turn, 0), batch.n_source.roll(turn, 0))
            distance = sequence_divergence(
                states.hidden, states.n_positions, read.hidden, read.n_positions, config.sinkhorn
            )
            loss = loss + config.ot_weight * distance.sum() / n_symbols
        return loss

    return loss_of


def material_of(config: Config, data: ClipSet | None) -> Material:
    """The clips of `data`, the real speech that the config names, or the seed's toy language."""
    speech, toy = config.speech, config.toy
    how: dict[str, Any] = {"kind": config.source_kind, "longest_s": config.longest_s}
    how["seed"] = config.seed
    if data is not None:
        return clip_material(data, speech, transcript=config.transcript, **how)
    if toy.stamps:
        how |= {"held_out": toy.held_out, "n_test": toy.n_test}
        return stamps_material(toy.stamps, speech, **how)
    if toy.speech.n_features != speech.n_features or speech.fbank is not None:
        raise EarShotError(
            got=f"a toy of {toy.speech.n_features} features for a model of sound or other frames",
            expected="toy.speech.n_features equal to speech.n_features, and no front end",
            mend="Pass --data with sound, or use --preset small.",
        )
    language = PrototypeLanguage(config.seed, toy.speech)
    return Material(
        texts=language.utterances(toy.n_texts, "text", spoken=False),
        train=language.utterances(toy.n_train, "train"),
        test=language.utterances(toy.n_test, "test"),
    )


def claim() -> Experiment:
    """Arms by pre-training, controls, and the same on real speech where it is at hand."""
    base = Config.small()
    arms = [
        Arm("ctc_ot", base, "CTC and transport to the text of the same sentence"),
        Arm("ctc", replace(base, pretraining="ctc"), "CTC alone"),
        Arm("ce", replace(base, pretraining="ce"), "cross-entropy of the transcript"),
        Arm("ctc_ce", replace(base, pretraining="ctc+ce"), "CTC and cross-entropy"),
        Arm("wrong_text", replace(base, wrong_text=True), "control: transport to other sentences"),
        Arm("none", replace(base, pretraining="none"), "control: a random speech encoder"),
        Arm(
            "no_positions",
            replace(base, sinkhorn=replace(base.sinkhorn, position=0.0)),
            "CTC and transport that is blind to order",
        ),
    ]
    few = f"accuracy_{base.translated[0]}"
    comparisons = [
        Comparison("pretraining", few, "ctc", "ce"),
        Comparison("pretraining", few, "ctc_ot", "ctc", "not below"),
        Comparison("pretraining", few, "ctc_ot", "ctc_ce"),
        Comparison("pretraining", few, "ctc_ot", "none"),
        Comparison("gap", "closeness", "ctc_ot", "ctc"),
        Comparison("gap", "closeness", "ctc", "ce"),
        Comparison("gap", "closeness", "ctc_ot", "wrong_text"),
        Comparison("gap", "retrieval_r1", "ctc_ot", 0.8),
        Comparison("gap", "order_r1", "ctc_ot", "no_positions"),
    ]
    if shared_data("stamps") is not None:
        speech = Config.small_speech()
        arms += [
            Arm("real_ctc_ot", speech, "real speech: CTC and transport"),
            Arm("real_ctc", replace(speech, pretraining="ctc"), "real speech: CTC alone"),
            Arm("real_none", replace(speech, pretraining="none"), "real speech: control"),
        ]
        comparisons += [
            Comparison("real", "chrf", "real_ctc_ot", "real_ctc"),
            Comparison("real", "chrf", "real_ctc_ot", "real_none"),
            Comparison("real", "closeness", "real_ctc_ot", "real_ctc"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
