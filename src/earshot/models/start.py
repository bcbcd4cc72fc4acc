"""A trained model as the start of another training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.towers import TwoTowerConfig
from earshot.models.two_tower import TwoTower


@dataclass(frozen=True)
class Start:
    """The model to go on from, under the name or path it was found by.

    `config` builds it again where it was trained here; None stands for a published checkpoint,
    whose shape its own files describe.
    """

    name: str
    model: TwoTower
    config: TwoTowerConfig | None


@dataclass(frozen=True)
class Ears:
    """A trained encoder of sound for a model that hears with it, under the name it was found by."""

    name: str
    model: SoundEncoder
    config: SoundEncoderConfig

    def lasting(self, window_s: float) -> SoundEncoderConfig:
        """The config, with that window where it is longer and the encoder takes any length."""
        own = self.config
        return replace(own, window_s=max(own.window_s, window_s)) if own.fill == "none" else own


def ears_of(name: str, model: SoundEncoder, config: SoundEncoderConfig | TwoTowerConfig) -> Ears:
    """The encoder of a model that `config` builds, alone, with its weights and in eval mode."""
    parts = ("features", "fbank", "waveform", "audio", "window_s", "fill")
    alone = SoundEncoderConfig(**{part: getattr(config, part) for part in parts})
    with torch.random.fork_rng(devices=[]):
        encoder = build_sound_encoder(alone)
    encoder.audio_encoder.load_state_dict(model.audio_encoder.state_dict())
    return Ears(name, encoder.eval(), alone)
