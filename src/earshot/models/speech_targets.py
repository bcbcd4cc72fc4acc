"""What speech is to a brain decoder: a log-mel, or the states of a frozen encoder of sound."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.features import LogMel, LogMelConfig
from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
from earshot.models.restoring import own_config, restore
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.starting_weights import checkpoint_folder
from earshot.models.towers import TwoTowerConfig, build_two_tower

ADDED = 1e-5  # to mel power before the logarithm
PIECE_S = 30.0  # of sound at a time through the log-mel


class MelTarget:
    """Log-mels of a standardised waveform: log10(power + 1e-5), [n_mels, frames].

    Source: arXiv:2208.12266, Methods: 120 mels, windows of 512 samples every 128 at 16 kHz.
    """

    def __init__(self, config: LogMelConfig) -> None:
        self.features = LogMel(config)
        self.sample_rate, self.dim = config.sample_rate, config.n_mels
        self.rate = config.sample_rate / config.hop_length

    @torch.inference_mode()
    def __call__(self, waveform: Tensor) -> Tensor:
        """waveform [samples] at `sample_rate` -> float32 [n_mels, frames], `rate` a second."""
        centred = waveform.float() - waveform.float().mean()
        standard = centred / centred.square().mean().sqrt().clamp(min=1e-8)
        decibels, _ = self.features(standard[None], torch.tensor([len(standard)]))
        return (10.0 ** (decibels[0] / 10.0) + ADDED).log10()


class FrozenTarget:
    """States of an encoder that is not trained, averaged over layers: [dim, positions].

    `layers` are indices of what `SoundEncoder.layers` gives, the input of the first block first;
    the last one where left out. Longer sounds are heard in windows of the model's.
    Source: arXiv:2208.12266, Methods: layers 14 to 18 of wav2vec 2.0 XLSR-53.
    """

    def __init__(self, model: SoundEncoder, layers: Sequence[int] = ()) -> None:
        self.model = model.eval().requires_grad_(False)
        self.layers = tuple(layers) or (-1,)
        self.sample_rate, self.dim = model.sample_rate, model.audio_encoder.dim
        tone = torch.zeros(1, model.window_samples)
        with torch.inference_mode():
            states = model.layers(tone, torch.tensor([tone.shape[1]]))
        n_layers = len(states.hidden)
        if not all(-n_layers <= each < n_layers for each in self.layers):
            raise EarShotError(
                got=f"layers {', '.join(map(str, self.layers))}",
                expected=f"indices from 0 to {n_layers - 1}",
                mend="Index 0 is what goes into the first layer.",
            )
        self.dim = sum(states.hidden[each].shape[2] for each in self.layers) // len(self.layers)
        self.rate = 1.0 / model.position_s(states)

    @torch.inference_mode()
    def __call__(self, waveform: Tensor) -> Tensor:
        """waveform [samples] at `sample_rate` -> float32 [dim, frames], `rate` a second."""
        size, least = self.model.window_samples, round(0.05 * self.sample_rate)
        pieces = []
        for first in range(0, len(waveform), size):
            piece = waveform[first : first + size]
            n_frames = round((first + len(piece)) / self.sample_rate * self.rate) - sum(
                each.shape[1] for each in pieces
            )
            if n_frames < 1:
                continue
            heard = torch.nn.functional.pad(piece, (0, max(0, least - len(piece))))
            states = self.model.layers(heard[None], torch.tensor([len(heard)]))
            n_real = max(1, int(states.n_positions[0]))
            mean = torch.stack([states.hidden[each][0, :n_real] for each in self.layers]).mean(0)
            place = torch.arange(n_frames).clamp(max=n_real - 1)
            pieces.append(mean[place].T.float())
        return torch.cat(pieces, 1)


def load_sound_encoder(source: str) -> SoundEncoder:
    """The model of sound in a run folder, a shipped model's, or a published one's.

    Raises EarShotError where nothing of the kind is there, and where weights and config do not
    belong together.
    """
    folder = checkpoint_folder(source)
    if folder is None:
        from earshot.models.loading import load_foreign

        return load_foreign(source, name=source).model
    checkpoint = read_checkpoint(folder)
    values = own_config(checkpoint).get("model", {})

    def build() -> SoundEncoder:
        if "text" in values:
            return build_two_tower(from_dict(TwoTowerConfig, values))
        return build_sound_encoder(from_dict(SoundEncoderConfig, values))

    return restore(checkpoint, build)
