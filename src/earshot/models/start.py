"""A trained model as the start of another training."""

from __future__ import annotations

from dataclasses import dataclass

from earshot.models.audio_tower import SoundEncoderConfig
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
