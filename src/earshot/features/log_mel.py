"""Log-mel spectrograms as LAION-CLAP, MS-CLAP and PANNs compute them, for padded batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.features.front_end import (
    FrontEnd,
    Precision,
    by_pieces,
    check_waveform,
    power_spectrum,
    working_dtype,
)
from earshot.features.mel import MelNorm, MelScale, check_band, mel_filter_bank
from earshot.features.stft import check_frames, real_frames, reflect_pad

MOST_MELS = 1_024


@dataclass(frozen=True)
class LogMelConfig:
    """A power mel spectrogram in decibels; the window is a periodic Hann of `n_fft` samples."""

    sample_rate: int = 32_000  # Hz
    n_fft: int = 1_024  # samples, a 32 ms window
    hop_length: int = 320  # samples, 100 frames a second
    n_mels: int = 64
    f_min: float = 50.0  # Hz
    f_max: float = 14_000.0  # Hz
    mel_scale: MelScale = "slaney"
    mel_norm: MelNorm | None = "slaney"  # each triangle has area 1; None: height 1
    mel_rate: int | None = None  # Hz the mel bank is drawn for, where that is not sample_rate
    floor: float = 1e-10  # the least power: silence reads 10 log10(floor) = -100 dB
    quantise: bool = False  # pass the waveform through 16 bits, cut toward zero
    precision: Precision = "double"  # of the Fourier transform; the result is float32 either way
    with_samples: bool = False  # rows under the bands: each hop's samples, for encoders of both

    def __post_init__(self) -> None:
        check_frames(self.n_fft, self.hop_length)
        check_band(self.mel_rate or self.sample_rate, self.f_min, self.f_max)
        if not 1 <= self.n_mels <= MOST_MELS or self.floor <= 0:
            raise EarShotError(
                got=f"n_mels={self.n_mels} with floor={self.floor:g}",
                expected=f"n_mels of 1 to {MOST_MELS} and a floor above 0",
                mend="The published front ends have n_mels=64 and floor=1e-10.",
            )

    @classmethod
    def laion(cls) -> LogMelConfig:
        """LAION-CLAP without fusion: 1001 frames in 10 s. Source: arXiv:2211.06687, its code.

        `transformers`' ClapFeatureExtractor ("rand_trunc") is this without the quantising.
        """
        return cls(sample_rate=48_000, hop_length=480, quantise=True)

    @classmethod
    def laion_fused(cls) -> LogMelConfig:
        """LAION-CLAP with fusion: the same on HTK's mel scale, triangles of height 1."""
        return cls(
            sample_rate=48_000, hop_length=480, mel_scale="htk", mel_norm=None, quantise=True
        )

    @classmethod
    def msclap_2022(cls) -> LogMelConfig:
        """Microsoft CLAP 2022 (CNN14): 690 frames in 5 s. Source: arXiv:2206.04769, its code."""
        return cls(sample_rate=44_100)

    @classmethod
    def msclap_2023(cls) -> LogMelConfig:
        """Microsoft CLAP 2023 (HTSAT): 965 frames in 7 s. Source: arXiv:2309.05767, its code.

        A bug reproduced: the released model's mel bank is drawn for 32 kHz, its sound is 44.1 kHz.
        A checkpoint's own matrix goes before this: `LogMel(config, mel_matrix=...)`.
        """
        return cls(sample_rate=44_100, mel_rate=32_000)

    @classmethod
    def panns_32k(cls) -> LogMelConfig:
        """PANNs at 32 kHz: 1001 frames in 10 s. Source: arXiv:1912.10211, its code."""
        return cls()

    @classmethod
    def panns_16k(cls) -> LogMelConfig:
        """PANNs' 16 kHz models (Cnn14_16k): 1001 frames in 10 s."""
        return cls(sample_rate=16_000, n_fft=512, hop_length=160, f_max=8_000.0)

    @classmethod
    def whisper(cls) -> LogMelConfig:
        """Whisper's at 16 kHz: 3001 frames in 30 s. Source: arXiv:2212.04356, its code.

        The code drops the last frame, cuts what lies 80 dB below the peak and rescales: the
        encoder's part (encoders/whisper.py).
        """
        return cls(
            sample_rate=16_000, n_fft=400, hop_length=160, n_mels=80, f_min=0.0, f_max=8_000.0
        )

    @classmethod
    def panns_8k(cls) -> LogMelConfig:
        """PANNs' 8 kHz models (Cnn14_8k): 1001 frames in 10 s."""
        return cls(sample_rate=8_000, n_fft=256, hop_length=80, f_max=4_000.0)


class LogMel(FrontEnd):
    """Log-mels in dB of a padded batch of clips; nothing to learn, nothing in the state dict.

    A checkpoint that stores its own front end hands it in: `mel_matrix` [n_fft // 2 + 1, n_mels]
    (`logmel_extractor.melW`) and `stft_kernels`, the real and imaginary ones, each
    [n_fft // 2 + 1, 1, n_fft] (`stft.conv_real.weight`, `stft.conv_imag.weight`). Kernels that are
    the windowed Fourier basis, as all published ones are, run as an FFT; others run as they are.
    Both stay out of the state dict too: whoever loads such a checkpoint hands them in again.
    """

    mel_matrix: Tensor  # [n_freq, n_mels]
    kernels: Tensor  # [2 * n_freq, 1, n_fft], where the checkpoint's own are used

    def __init__(
        self,
        config: LogMelConfig,
        *,
        mel_matrix: Tensor | np.ndarray | None = None,
        stft_kernels: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        n_freq = config.n_fft // 2 + 1
        if mel_matrix is None:
            mel_matrix = mel_filter_bank(
                sample_rate=config.mel_rate or config.sample_rate,
                n_fft=config.n_fft,
                n_mels=config.n_mels,
                f_min=config.f_min,
                f_max=config.f_max,
                scale=config.mel_scale,
                norm=config.mel_norm,
            )
        check_shape(
            "mel_matrix",
            mel_matrix,
            (n_freq, config.n_mels),
            mend="Give LogMelConfig the n_fft and n_mels of the checkpoint.",
        )
        self.add_constant("mel_matrix", mel_matrix)
        self.own_kernels = stft_kernels is not None and not _is_fourier(*stft_kernels, config)
        if stft_kernels is not None and self.own_kernels:
            self.add_constant("kernels", torch.cat([k.float() for k in stft_kernels]))

    @property
    def floor_db(self) -> float:
        """What silence reads, in dB."""
        return 10.0 * float(np.log10(self.config.floor))

    def frames_of(self, n_samples: int) -> int:
        """How many frames a clip of that many samples has."""
        return n_samples // self.config.hop_length + 1

    def forward(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """waveform [batch, samples], n_samples -> log_mel [batch, n_mels, frames], n_frames.

        Decibels, float32 whatever the autocast. n_frames [batch] = n_samples // hop_length + 1;
        frames past it hold the floor. A clip's frames do not depend on its batch-mates nor on what
        lies past its end: both its ends are mirrored, again and again where it is shorter than half
        a window. With `quantise` no gradient reaches the waveform. With `with_samples` there are
        hop_length more rows.
        """
        waveform, n_samples = check_waveform(waveform, n_samples)
        waveform = waveform.float()
        with torch.autocast(waveform.device.type, enabled=False):
            if self.config.quantise:
                waveform = int16_round_trip(waveform)
            padded = reflect_pad(waveform, n_samples, self.config.n_fft // 2)
            frames = padded.unfold(1, self.config.n_fft, self.config.hop_length)
            mel = by_pieces(self._own if self.own_kernels else self._fourier(frames.device), frames)
            n_frames = n_samples // self.config.hop_length + 1
            log_mel = mel.clamp(min=self.config.floor).log10().mul_(10.0).transpose(1, 2)
            padding = ~real_frames(n_frames, log_mel.shape[2])
            log_mel = log_mel.masked_fill(padding[:, None], self.floor_db)
            if self.config.with_samples:
                log_mel = torch.cat([log_mel, self._samples(waveform, n_samples)], dim=1)
        return log_mel.contiguous(), n_frames

    def _samples(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """The waveform cut into hops, [batch, hop_length, frames], zero past each clip's end."""
        hop, width = self.config.hop_length, waveform.shape[1]
        waveform = waveform.masked_fill(~real_frames(n_samples, width), 0.0)
        waveform = F.pad(waveform, (0, self.frames_of(width) * hop - width))
        return waveform.unflatten(1, (-1, hop)).transpose(1, 2)

    def _fourier(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """What makes mel power of frames: [..., n_fft] -> [..., n_mels]."""
        config = self.config
        dtype = working_dtype(config.precision, device)
        window = torch.hann_window(config.n_fft, dtype=dtype, device=device)
        return lambda frames: power_spectrum(frames, window, config.n_fft) @ self.mel_matrix

    def _own(self, frames: Tensor) -> Tensor:
        """Mel power by a checkpoint's own kernels: frames [..., n_fft] -> [..., n_mels]."""
        real, imag = F.linear(frames, self.kernels[:, 0]).chunk(2, dim=-1)
        return (real.square() + imag.square()) @ self.mel_matrix


def int16_round_trip(waveform: Tensor) -> Tensor:
    """The waveform as LAION-CLAP hears it: clipped to [-1, 1], cut toward zero to 16 bits, back."""
    return waveform.clamp(-1.0, 1.0).mul_(32_767.0).trunc_().div_(32_767.0)


def _is_fourier(real: Tensor, imag: Tensor, config: LogMelConfig) -> bool:
    """Whether stored kernels are the Fourier basis under our window."""
    n_freq = config.n_fft // 2 + 1
    for name, kernel in (("real", real), ("imaginary", imag)):
        check_shape(
            f"{name} STFT kernel",
            kernel,
            (n_freq, 1, config.n_fft),
            mend="Give LogMelConfig the n_fft of the checkpoint.",
        )
    turns = torch.outer(torch.arange(n_freq), torch.arange(config.n_fft)).remainder(config.n_fft)
    basis = torch.polar(
        torch.hann_window(config.n_fft, dtype=torch.float64).expand(n_freq, -1).contiguous(),
        turns.double() * (-2.0 * torch.pi / config.n_fft),
    )
    stored = torch.complex(real[:, 0].cpu().double(), imag[:, 0].cpu().double())
    return torch.allclose(stored, basis, rtol=0.0, atol=1e-5)
