"""A recogniser of speech: an encoder of sound, and one linear map to the symbols that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.models.audio_tower import SoundEncoderConfig, build_audio, build_front_end
from earshot.models.sound_encoder import SoundEncoder
from earshot.objectives.ctc import ctc_greedy


@dataclass(frozen=True)
class Heard:
    """Scores of a batch: logits [batch, positions, n_symbols], n_positions [batch] real ones."""

    logits: Tensor
    n_positions: Tensor


class Recognizer(SoundEncoder):
    """A SoundEncoder that also writes what it hears, by CTC: symbol 0 is the blank.

    It embeds as any SoundEncoder does. The map to symbols reads the encoder's last states.
    """

    def __init__(self, *, n_symbols: int, dropout: float = 0.0, **parts: Any) -> None:
        super().__init__(**parts)
        if not hasattr(self.audio_encoder, "layers"):
            raise EarShotError(
                got=f"{type(self.audio_encoder).__name__}, which hears a clip as a whole",
                expected="an encoder with states over time",
                mend="Choose another encoder in model.audio.",
            )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.audio_encoder.dim, n_symbols)

    def hear(self, waveform: Tensor, n_samples: Tensor) -> Heard:
        """Scores of waveform [batch, samples] at sample_rate, n_samples [batch] real ones."""
        self._check(waveform, n_samples)
        return self.hear_frames(*self.frames(waveform, n_samples))

    def hear_frames(self, log_mel: Tensor, n_frames: Tensor, *, frozen: bool = False) -> Heard:
        """The same of what `frames` gave; `frozen` lets nothing but the map to symbols learn."""
        learns = torch.is_grad_enabled() and not frozen
        with torch.set_grad_enabled(learns):
            states = self.audio_encoder.layers(log_mel, n_frames)
        return Heard(self.head(self.dropout(states.last)), states.n_positions)

    @torch.no_grad()
    def read(self, waveform: Tensor, n_samples: Tensor) -> list[list[int]]:
        """What is said, greedily: the symbols' ids of each clip, without blanks and repeats."""
        heard = self.hear(waveform, n_samples)
        return ctc_greedy(heard.logits, heard.n_positions)

    @property
    def seconds_a_position(self) -> float:
        """How far apart positions lie."""
        frames = self.audio_encoder.position_frames
        return float(frames * self.features.config.hop_length / self.sample_rate)


def build_recognizer(
    config: SoundEncoderConfig, n_symbols: int, *, dropout: float = 0.0
) -> Recognizer:
    """The model with random weights."""
    features = build_front_end(config)
    return Recognizer(
        n_symbols=n_symbols,
        dropout=dropout,
        features=features,
        audio_encoder=build_audio(config.audio),
        sample_rate=features.config.sample_rate,
        window_s=config.window_s,
        fill=config.fill,
    )
