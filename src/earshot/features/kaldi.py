"""Kaldi's filter-bank features as AST, SSAST, BEATs and w2v-BERT use them, for padded batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

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
from earshot.features.mel import check_band, mel_filter_bank
from earshot.features.stft import real_frames

EPSILON = float(np.finfo(np.float32).eps)  # 1.19e-7, Kaldi's least energy of a band


@dataclass(frozen=True)
class KaldiFbankConfig:
    """Log energies of mel bands by Kaldi's formula; no dither, no energy column, edges snipped."""

    sample_rate: int = 16_000  # Hz
    window_length: int = 400  # samples, 25 ms
    hop_length: int = 160  # samples, 10 ms
    n_mels: int = 128
    f_min: float = 20.0  # Hz
    f_max: float = 8_000.0  # Hz
    window: Literal["povey", "hanning"] = "povey"  # hanning, or that to the power 0.85
    preemphasis: float = 0.97
    gain: float = 1.0  # on the waveform: 2**15 where 16-bit samples are meant
    mean: float = 0.0  # the result is (log energy - mean) / (2 std)
    std: float = 0.5
    precision: Precision = "double"  # of the Fourier transform; the result is float32 either way
    per_bin: bool = False  # then each band of a clip to mean 0, variance 1, over its frames

    def __post_init__(self) -> None:
        check_band(self.sample_rate, self.f_min, self.f_max)
        if min(self.window_length, self.hop_length, self.n_mels) < 1 or self.std <= 0:
            raise EarShotError(
                got=f"window_length={self.window_length}, hop_length={self.hop_length}, "
                f"n_mels={self.n_mels}, std={self.std:g}",
                expected="counts of at least 1 and a std above 0",
                mend="Give lengths in samples.",
            )

    @property
    def n_fft(self) -> int:
        """The window's length rounded up to a power of two."""
        return 1 << (self.window_length - 1).bit_length()

    @classmethod
    def ast(cls) -> KaldiFbankConfig:
        """AST and SSAST on AudioSet. Source: arXiv:2104.01778, arXiv:2110.09784, their code."""
        return cls(window="hanning", mean=-4.2677393, std=4.5689974)

    @classmethod
    def beats(cls) -> KaldiFbankConfig:
        """BEATs: 16-bit scale, Povey window. Source: arXiv:2212.09058, its code."""
        return cls(gain=2.0**15, mean=15.41663, std=6.55582)

    @classmethod
    def w2v_bert(cls) -> KaldiFbankConfig:
        """w2v-BERT 2.0 and SeamlessM4T: 80 bands, each normalised; stack its frames by two."""
        return cls(n_mels=80, gain=2.0**15, per_bin=True)


class KaldiFbank(FrontEnd):
    """Log mel energies of a padded batch of clips; nothing to learn, nothing in the state dict."""

    mel_matrix: Tensor  # [n_freq, n_mels]

    def __init__(self, config: KaldiFbankConfig) -> None:
        super().__init__()
        self.config = config
        bank = mel_filter_bank(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            n_mels=config.n_mels,
            f_min=config.f_min,
            f_max=config.f_max,
            scale="kaldi",
            norm=None,
        )
        self.add_constant("mel_matrix", bank)

    @property
    def pad_value(self) -> float:
        """What a frame of padding holds: a raw zero, normalised as the released code does it."""
        return 0.0 if self.config.per_bin else -self.config.mean / (2.0 * self.config.std)

    def frames_of(self, n_samples: int) -> int:
        """How many frames a clip of that many samples has: whole windows, one at the least."""
        return max(0, n_samples - self.config.window_length) // self.config.hop_length + 1

    def forward(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """waveform [batch, samples], n_samples -> log_mel [batch, n_mels, frames], n_frames.

        Natural logarithms, normalised by the config, float32 whatever the autocast. Only whole
        windows count: n_frames [batch] = (n_samples - window_length) // hop_length + 1; frames past
        it hold `pad_value`. Differs: a clip shorter than one window is zero-padded to one and has
        one frame, where Kaldi has none.
        """
        config = self.config
        waveform, n_samples = check_waveform(waveform, n_samples)
        waveform = waveform.float()
        n_frames = (n_samples - config.window_length).clamp(min=0) // config.hop_length + 1
        with torch.autocast(waveform.device.type, enabled=False):
            inside = torch.arange(waveform.shape[1], device=waveform.device) < n_samples[:, None]
            waveform = waveform.masked_fill(~inside, 0.0) * config.gain
            missing = max(0, config.window_length - waveform.shape[1])
            waveform = F.pad(waveform, (0, missing))
            frames = waveform.unfold(1, config.window_length, config.hop_length)
            energy = by_pieces(self._energies(frames.device), frames)  # [batch, frames, n_mels]
            real = real_frames(n_frames, energy.shape[1])[..., None]  # [batch, frames, 1]
            log_mel = (energy.clamp(min=EPSILON).log() - config.mean) / (2.0 * config.std)
            if config.per_bin:
                log_mel = _unit_bands(log_mel, real)
            log_mel = log_mel.masked_fill(~real, self.pad_value)
        return log_mel.transpose(1, 2).contiguous(), n_frames

    def _energies(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """What makes band energies of frames: [..., window_length] -> [..., n_mels]."""
        config = self.config
        dtype = working_dtype(config.precision, device)
        window = torch.hann_window(
            config.window_length, periodic=False, dtype=dtype, device=device
        ).pow(0.85 if config.window == "povey" else 1.0)

        def energies(frames: Tensor) -> Tensor:
            frames = frames.to(dtype)
            frames = frames - frames.mean(-1, keepdim=True)
            before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
            frames = frames - config.preemphasis * before
            return power_spectrum(frames, window, config.n_fft) @ self.mel_matrix

        return energies


def _unit_bands(log_mel: Tensor, real: Tensor) -> Tensor:
    """Each band of each clip to mean 0 and (unbiased) variance 1 over its real frames."""
    count = real.sum(1, keepdim=True)  # [batch, 1, 1]
    centred = log_mel - (log_mel * real).sum(1, keepdim=True) / count
    variance = (centred.square() * real).sum(1, keepdim=True) / (count - 1).clamp(min=1)
    return centred / (variance + 1e-7).sqrt()


def fit_frames(log_mel: Tensor, length: int, *, value: float) -> Tensor:
    """[batch, n_mels, frames] cut or filled with `value` to [batch, n_mels, length].

    AST pads to 1024 frames with `KaldiFbank.pad_value`.
    """
    check_shape("log_mel", log_mel, ("batch", "n_mels", "frames"), mend="Stack the clips first.")
    missing = length - log_mel.shape[2]
    return F.pad(log_mel, (0, missing), value=value)


def stack_frames(log_mel: Tensor, n_frames: Tensor, n_stacked: int) -> tuple[Tensor, Tensor]:
    """Neighbouring frames joined: [batch, n_stacked * n_mels, frames // n_stacked], and n_frames.

    The earlier frame's bands come first. A rest of fewer than `n_stacked` frames is dropped, from
    the batch and from each clip's count, as SeamlessM4T's mask does it; a clip shorter than that
    keeps one stacked frame, filled with zeros.
    """
    check_shape("log_mel", log_mel, ("batch", "n_mels", "frames"), mend="Stack the clips first.")
    batch, n_mels, frames = log_mel.shape
    whole = max(1, frames // n_stacked)
    log_mel = fit_frames(log_mel, whole * n_stacked, value=0.0)
    pairs = log_mel.transpose(1, 2).reshape(batch, whole, n_stacked * n_mels)
    return pairs.transpose(1, 2).contiguous(), (n_frames // n_stacked).clamp(min=1)
