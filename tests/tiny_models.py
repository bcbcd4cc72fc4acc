"""Two-tower models small enough for tests: each audio path and each text path once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from earshot.encoders.htsat import Htsat, HtsatConfig
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.encoders.strip_transformer import StripTransformer, StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformer, TextTransformerConfig
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.layers.projection import MlpProjection, ResidualProjection
from earshot.models.long_clips import LongClips
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.two_tower import TwoTower
from earshot.text.tokenizer import ByteTokenizer, WordTokenizer

RATE = 8_000
FRONT_END = LogMelConfig(
    sample_rate=RATE, n_fft=256, hop_length=64, n_mels=32, f_min=50.0, f_max=4_000.0
)


def _towers(audio: nn.Module, residual: bool = False, **options: object) -> TwoTower:
    tokenizer = ByteTokenizer(64) if residual else WordTokenizer(512, 16)
    text = TextTransformer(tokenizer.vocab_size, TextTransformerConfig(dim=16, depth=1, n_heads=2))
    project = ResidualProjection if residual else MlpProjection
    return TwoTower(
        features=LogMel(FRONT_END),
        audio_encoder=audio,
        audio_projection=project(audio.dim, 24),
        tokenizer=tokenizer,
        text_encoder=text,
        text_projection=project(text.dim, 24),
        sample_rate=RATE,
        window_s=1.0,
        **options,
    )


def strip_model() -> TwoTower:
    sizes = StripTransformerConfig(n_mels=32, dim=16, depth=1, n_heads=2)
    return _towers(StripTransformer(sizes))


def cnn_model() -> TwoTower:
    sizes = CnnConfig(32, (8, 16), n_pools=2, dim=24, n_classes=0, block_dropout=0.0, dropout=0.0)
    return _towers(PannsCnn(sizes), residual=True)


def htsat_model() -> TwoTower:
    return _towers(Htsat(replace(HtsatConfig.nano(), drop_path=0.0)), fill="repeatpad")


def fused_model(kind: str = "aff") -> TwoTower:
    encoder = Htsat(replace(HtsatConfig.nano(), drop_path=0.0, fusion=kind))
    return _towers(encoder, fill="repeatpad", long_clips=LongClips("fusion"))


def encoder_alone() -> SoundEncoder:
    """A model that hears and knows no words."""
    sizes = StripTransformerConfig(n_mels=32, dim=16, depth=1, n_heads=2)
    return SoundEncoder(
        features=LogMel(FRONT_END),
        audio_encoder=StripTransformer(sizes),
        sample_rate=RATE,
        window_s=1.0,
    )


MODELS: dict[str, Callable[[], TwoTower]] = {
    "strip": strip_model,
    "cnn": cnn_model,
    "htsat": htsat_model,
    "fused": fused_model,
}


def seeded(build: Callable[[], TwoTower], seed: int = 0) -> TwoTower:
    """A model in eval mode whose batch norms are not the identity."""
    torch.manual_seed(seed)
    model = build().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model


def sounds(lengths: list[int], seed: int = 0) -> list[np.ndarray]:
    """Noises of the given lengths in samples, each with a pitch of its own."""
    draw = np.random.default_rng(seed)
    clips = []
    for length in lengths:
        tone = np.sin(np.arange(length) * draw.uniform(0.1, 1.5))
        clips.append((0.3 * tone + 0.1 * draw.standard_normal(length)).astype(np.float32))
    return clips
