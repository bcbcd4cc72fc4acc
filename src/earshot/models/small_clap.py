"""A two-tower model that trains on a core in a minute: for scenes of a few kinds of sound."""

from __future__ import annotations

from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.towers import AudioTower, TextTower, TwoTowerConfig, WordText


def small_clap_config() -> TwoTowerConfig:
    """For clips of four seconds at 16 kHz: strips of a log-mel, and hashed words."""
    return TwoTowerConfig(
        features=LogMelConfig(
            sample_rate=16_000, n_fft=1_024, hop_length=512, n_mels=40, f_max=8_000.0
        ),
        audio=AudioTower(strips=StripTransformerConfig(40, strip=4, dim=64, depth=2)),
        text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=64))),
        dim=64,
        window_s=4.0,
        fill="none",
    )
