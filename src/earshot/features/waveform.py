"""The waveform itself as a front end, for encoders whose first layers are convolutions over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.features.front_end import FrontEnd, check_waveform


@dataclass(frozen=True)
class WaveformConfig:
    """What a model that hears samples gets."""

    sample_rate: int = 16_000  # Hz
    unit_variance: bool = True  # each clip to mean 0, variance 1, as wav2vec 2.0 wants it
    hop_length: ClassVar[int] = 1  # a frame is a sample ...
    n_mels: ClassVar[int] = 1  # ... and all its bands are one number

    def __post_init__(self) -> None:
        if self.sample_rate < 1:
            raise EarShotError(
                got=f"sample_rate={self.sample_rate} Hz",
                expected="1 or more",
                mend="Give the rate that the encoder was trained at.",
            )


class Waveform(FrontEnd):
    """Clips as frames of one sample: [batch, 1, samples], zero past each clip's end.

    Source: arXiv:2006.11477, section 2 (normalised to zero mean and unit variance).
    """

    def __init__(self, config: WaveformConfig | None = None) -> None:
        super().__init__()
        self.config = config or WaveformConfig()

    def frames_of(self, n_samples: int) -> int:
        """How many frames a clip of that many samples has."""
        return n_samples

    def forward(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """waveform [batch, samples], n_samples [batch] -> [batch, 1, samples], n_samples."""
        waveform, n_samples = check_waveform(waveform, n_samples)
        waveform = waveform.float()
        real = torch.arange(waveform.shape[1], device=waveform.device) < n_samples[:, None]
        waveform = waveform.masked_fill(~real, 0.0)
        if self.config.unit_variance:
            count = n_samples[:, None]  # [batch, 1]
            centred = (waveform - waveform.sum(1, keepdim=True) / count).masked_fill(~real, 0.0)
            variance = centred.square().sum(1, keepdim=True) / count
            waveform = centred / (variance + 1e-7).sqrt()
        return waveform[:, None], n_samples
