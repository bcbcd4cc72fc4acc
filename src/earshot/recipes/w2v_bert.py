"""W2v-BERT: Combining Contrastive Learning and Masked Language Modeling for Self-Supervised
Speech Pre-Training (arXiv:2108.06209).

    paper                              here                               differs from the paper
    feature encoder        3.1         layers/conv_subsampling.py         padding masks exactly
    Conformer blocks       3.1, 3.2    encoders/conformer.py              causal, relative positions
    quantiser              3.2         layers/gumbel_quantizer.py
    masks                  3.2         layers/span_mask.py                a least number of spans
    contrastive loss       3.3         objectives/masked_contrastive.py
    diversity              3.3         diversity_loss there               same optimum, other form
    masked prediction      3.3         models/pretraining/w2v_bert.py
    w2v-BERT 2.0           2312.05187  Config.v2, models/loading/w2v_bert.py
    BEST-RQ                2202.01855  models/pretraining/best_rq.py      a baseline of ours

The claims: contrast and masked prediction together leave an encoder that says more of phones than
contrast alone in as many blocks; the contrast keeps the codes apart, which masked prediction alone
lets fall into few where its gradient reaches them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.shared import shared_data
from earshot.data.spoken_digits import digit_clips
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.best_rq import BestRqConfig, BestRqForPreTraining
from earshot.models.pretraining.w2v_bert import W2vBertConfig, W2vBertForPreTraining
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.phone_speech import PhoneInventory, PhoneLanguage, PhoneSpeechConfig
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.layer_probe import LayerProbeConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.speech_codes import code_information, held_out_figures
from earshot.training.speech_probes import (
    SpeechProbeConfig,
    Spoken,
    clip_figures,
    speech_figures,
)

PAPER = Paper(
    key="w2v_bert",
    title="W2v-BERT: Combining Contrastive Learning and Masked Language Modeling for "
    "Self-Supervised Speech Pre-Training",
    arxiv=("2108.06209", "2312.05187"),
    family="representation",
    year=2021,
    claims={
        "joint": "Contrast and masked prediction together leave an encoder that says more of "
        "phones than contrast alone in as many blocks.",
        "collapse": "The contrast keeps the codes in use: masked prediction alone, where its "
        "gradient reaches the quantiser, lets them fall into few.",
        "real": "The same order on spoken digits of a speaker that was never heard.",
    },
)
PreTraining = W2vBertForPreTraining | BestRqForPreTraining


@dataclass(frozen=True)
class ToyConfig:
    """Speech without --data: a made-up language whose phones are known, or recorded digits."""

    speech: PhoneSpeechConfig = field(default_factory=PhoneSpeechConfig)
    n_phones: int = 16
    n_train: int = 500  # utterances
    n_probe: int = 150  # of them, whose phones a probe learns
    n_test: int = 100
    digits: bool = False  # the set `fsdd` of real speech instead


def _plain_probe() -> SpeechProbeConfig:
    quick = LayerProbeConfig((3e-3, 1e-2), steps=200, batch_size=256, hidden=64)
    return SpeechProbeConfig(probe=quick, sanity=False)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    pretraining: W2vBertConfig = field(default_factory=W2vBertConfig)
    best_rq: BestRqConfig | None = None  # in the place of `pretraining`
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 16  # clips, over all processes
    max_s: float = 20.0  # longer clips are cropped to this in training, at random
    train: Literal["in order", "shuffled", "none"] = "in order"  # controls: positions of each clip
    # in random order, so that neighbours tell nothing; an encoder as it was drawn
    probe: SpeechProbeConfig = field(default_factory=_plain_probe)  # of the toy's phones or digits
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """w2v-BERT XL: 24 blocks of 1024 dimensions, 0.6 B parameters."""
        return cls(
            model=SoundEncoderConfig(
                fbank=KaldiFbankConfig.w2v_bert(),  # 80 log-mels: 4.1
                audio=AudioTower(conformer=ConformerConfig.xl()),  # 4.2
                window_s=30.0,
            ),
            pretraining=W2vBertConfig(),  # N = 12 of 24, 1 024 codes, beta = gamma = 1: 3.3, 4.2
            fit=FitConfig(
                steps=400_000,  # 4.2
                learning_rate=2e-3,  # 4.2
                warmup_steps=25_000,  # 4.2
                schedule="inverse_sqrt",  # 4.2, "transformer"
                betas=(0.9, 0.98),
                checkpoint_every=1_000,
            ),
            batch_size=2_048,  # 4.2
            max_s=30.0,
        )

    @classmethod
    def v2(cls) -> Config:
        """w2v-BERT 2.0: 580.5 M parameters at 50 Hz. Source: arXiv:2312.05187, released code."""
        paper = cls.paper()
        return replace(
            paper,
            model=replace(paper.model, audio=AudioTower(conformer=ConformerConfig.v2())),
            pretraining=replace(paper.pretraining, contrastive_depth=8, hidden="learnt"),
        )

    @classmethod
    def small(cls) -> Config:
        """Two blocks of 64 dimensions on a made-up language: under a minute on one core."""
        conformer = ConformerConfig(
            n_mels=40,  # (paper 80)
            n_stacked=4,  # positions of 40 ms, as in the paper
            dim=64,  # (paper 1 024)
            depth=2,  # (paper 24)
            n_heads=4,  # (paper 8)
            inner_dim=128,  # (paper 4 096)
            kernel=5,
            left=16,
        )
        fbank = KaldiFbankConfig(n_mels=40, gain=2.0**15, per_bin=True, precision="single")
        mask = SpanMaskConfig(start_probability=0.125, length=4)  # (paper 0.065, 10)
        return cls(
            model=SoundEncoderConfig(
                fbank=fbank, audio=AudioTower(conformer=conformer), window_s=4.0
            ),
            pretraining=W2vBertConfig(
                contrastive_depth=1,  # (paper 12)
                quantizer=GumbelQuantizerConfig(
                    n_codes=32,  # (paper 1 024)
                    dim=32,  # (paper 1 024)
                    least_temperature=0.5,
                    temperature_decay=0.998,  # (paper 0.999995 over 400 000 updates)
                ),
                mask=mask,
                hidden="learnt",
                shared_dim=32,  # (768 in the released code)
                n_distractors=20,  # (paper 100)
            ),
            fit=FitConfig(
                steps=300,  # (paper 400 000)
                learning_rate=3e-3,
                betas=(0.9, 0.98),
                weight_decay=0.01,
                clip_norm=5.0,
            ),
            max_s=4.0,
            toy=ToyConfig(speech=PhoneSpeechConfig(noise_db=10.0, n_followers=3)),
        )


def build(config: Config) -> SoundEncoder:
    """The encoder with random weights."""
    return build_sound_encoder(config.model)


def build_pretraining(config: Config, model: SoundEncoder) -> PreTraining:
    """The encoder of `model` with the heads that teach it."""
    encoder = model.audio_encoder
    if not isinstance(encoder, Conformer):
        raise EarShotError(
            got=f"{type(encoder).__name__} as the encoder",
            expected="a conformer, whose blocks both losses tap",
            mend="Set model.audio.conformer, and the others to none.",
        )
    if config.best_rq is not None:
        return BestRqForPreTraining(encoder, config.best_rq)
    return W2vBertForPreTraining(encoder, config.pretraining)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Pre-train on the sounds of `data` in `out`, then measure the test split.

    Labels and captions are not looked at. Without `data` it is the toy's speech, whose phones (or
    digits) a probe then reads from the frozen layers. The folder embeds sounds.
    """
    spoken, clips = material_of(config, data)
    train, test = train_and_test(clips, config.seed)
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in train], resume=resume)
    model = build(config)
    pretraining = build_pretraining(config, model)
    options: dict[str, Any] = {"sample_rate": model.sample_rate, "max_s": config.max_s}
    if config.train != "none":
        loader = this.loader(train, batch_size=min(config.batch_size, len(train)), **options)
        loss_of = loss_in_order(config, model, pretraining)
        count = getattr(pretraining, "count_update", None)
        this.fit(pretraining, loss_of, loader.batches, config.fit, after_step=count)

    def measure() -> tuple[dict[str, float], list[str]]:
        size = min(config.batch_size, len(test))
        tested = BatchLoader(test, batch_size=size, crop="start", **options)
        figures = held_out_figures(pretraining, model, tested.epoch(), config.seed)
        if spoken is not None:
            figures |= speech_figures(model, *spoken, config.probe, config.seed)
            figures["code_information"] = code_information(pretraining, model, spoken[1])
        elif data is None:
            told = [words_of(part, model.sample_rate) for part in (train, test)]
            figures |= clip_figures(model, told[0], told[1], "digit", config.probe, config.seed)
        return figures, [str(fault) for fault in tested.failures]

    return this.finish(model, measure)


def loss_in_order(
    config: Config, model: SoundEncoder, pretraining: PreTraining
) -> Callable[[Batch], dict[str, Tensor]]:
    """The loss of a batch, of its positions as they come or, for the control, shuffled."""

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        log_mel, n_frames = model.frames(batch.waveform, batch.n_samples)
        if config.train == "shuffled":
            log_mel = shuffled(log_mel, n_frames, int(pretraining.encoder.position_frames))
        return pretraining(log_mel, n_frames)

    return loss_of


def shuffled(log_mel: Tensor, n_frames: Tensor, n_together: int) -> Tensor:
    """Each clip's whole groups of `n_together` frames in random order; log_mel [batch, mels, n]."""
    moved = log_mel.clone()
    for row, n in zip(moved, n_frames.tolist(), strict=True):
        whole = n // n_together * n_together
        groups = row[:, :whole].unflatten(1, (-1, n_together))  # [mels, groups, n_together]
        order = torch.randperm(groups.shape[1]).to(row.device)
        row[:, :whole] = groups[:, order].flatten(1)
    return moved


def material_of(
    config: Config, data: ClipSet | None
) -> tuple[tuple[Spoken, Spoken] | None, ClipSet]:
    """The clips with their splits; for the toy language, what a probe learns and is tested on."""
    if data is not None:
        return None, data
    toy = config.toy
    if toy.digits:
        return None, digit_clips(config.seed)
    language = PhoneLanguage(
        PhoneInventory(config.seed, toy.n_phones), config.seed, config=toy.speech
    )
    train = language.utterances(toy.n_train, "train")
    test = language.utterances(toy.n_test, "test")
    clips = [each.clip("train") for each in train] + [each.clip("test") for each in test]
    parts = train[: toy.n_probe], test
    spoken = [Spoken([u.waveform for u in p], [u.frame_phones for u in p], {}) for p in parts]
    return (spoken[0], spoken[1]), ClipSet(clips, name="phone speech")


def words_of(clips: ClipSet, sample_rate: int) -> tuple[list[np.ndarray], list[int]]:
    """Waveforms of clips with one label each, and the labels' numbers."""
    sounds = [clip.read(sample_rate=sample_rate).waveform for clip in clips]
    return sounds, [clips.labels.index(clip.labels[0]) for clip in clips]


def claim() -> Experiment:
    """Both losses, each alone in as many blocks, BEST-RQ, and controls."""
    base = Config.small()
    arms = arms_of(base)
    comparisons = [
        Comparison("joint", "phones", "joint", "contrastive"),
        Comparison("joint", "phones", "joint", "best_rq", "not below"),
        Comparison("joint", "phones", "joint", "shuffled"),
        Comparison("joint", "phones", "joint", "none"),
        Comparison("collapse", "code_perplexity", "joint", "masked"),
        Comparison("collapse", "code_information", "joint", "masked"),
    ]
    if shared_data("fsdd") is not None:
        real = replace(base, toy=replace(base.toy, digits=True))
        wanted = ("joint", "contrastive", "none")
        found = [arm for arm in arms_of(real) if arm.name in wanted]
        arms += [Arm(f"real_{arm.name}", arm.config, f"digits: {arm.note}") for arm in found]
        comparisons += [
            Comparison("real", "digit", "real_joint", "real_contrastive"),
            Comparison("real", "digit", "real_joint", "real_none"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def arms_of(base: Config) -> list[Arm]:
    """Both losses, each alone, a baseline and two controls, all of the size of `base`."""
    heads = base.pretraining
    deep = replace(heads, contrastive_depth=2, masked_weight=0.0)
    alone = replace(heads, contrastive_weight=0.0, targets="choice")
    rq = BestRqConfig(heads.quantizer.n_codes, 16, heads.mask, heads.hidden)
    return [
        Arm("joint", base, "contrast after block 1, masked prediction after block 2"),
        Arm("contrastive", replace(base, pretraining=deep), "contrast alone, after block 2"),
        Arm("masked", replace(base, pretraining=alone), "prediction whose gradient moves codes"),
        Arm("best_rq", replace(base, best_rq=rq), "prediction of codes that nobody learns"),
        Arm("shuffled", replace(base, train="shuffled"), "control: positions in random order"),
        Arm("none", replace(base, train="none"), "control: an encoder that was taught nothing"),
    ]


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
