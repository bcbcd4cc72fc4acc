"""The mel scales and the triangular filter banks built on them."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError

MelScale = Literal["slaney", "htk", "kaldi"]
MelNorm = Literal["slaney"]

_LINEAR_HZ = 200.0 / 3.0  # slaney: Hz a mel below the corner
_CORNER_HZ = 1_000.0  # slaney: linear below, logarithmic above
_LOG_STEP = np.log(6.4) / 27.0  # slaney: 27 mels from 1 kHz to 6.4 kHz


def hz_to_mel(hz: np.ndarray, scale: MelScale) -> np.ndarray:
    """Mels of frequencies in Hz.

    "slaney" is linear to 1 kHz and logarithmic above (librosa's default), "htk" is
    2595 log10(1 + hz / 700) (torchaudio's default), "kaldi" is 1127 ln(1 + hz / 700).
    """
    hz = np.asarray(hz, dtype=np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    if scale == "kaldi":
        return 1127.0 * np.log1p(hz / 700.0)
    above = _CORNER_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _CORNER_HZ) / _CORNER_HZ) / _LOG_STEP
    return np.where(hz < _CORNER_HZ, hz / _LINEAR_HZ, above)


def mel_to_hz(mel: np.ndarray, scale: MelScale) -> np.ndarray:
    """Frequencies in Hz of mels: the inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    if scale == "kaldi":
        return 700.0 * np.expm1(mel / 1127.0)
    corner = _CORNER_HZ / _LINEAR_HZ
    above = _CORNER_HZ * np.exp(_LOG_STEP * np.maximum(mel - corner, 0.0))
    return np.where(mel < corner, mel * _LINEAR_HZ, above)


@lru_cache(maxsize=64)
def mel_filter_bank(
    *,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    f_min: float,
    f_max: float,
    scale: MelScale = "slaney",
    norm: MelNorm | None = "slaney",
) -> np.ndarray:
    """The matrix [n_fft // 2 + 1, n_mels] that turns a power spectrum into mel bands.

    Float64, read-only and cached: the same settings give the same array. `f_min` and `f_max` are
    in Hz. `norm="slaney"` gives every triangle the area 1 (in Hz), None the height 1. The triangles
    are straight in Hz, on the "kaldi" scale in mels, as Kaldi draws them. A band narrower than the
    distance of two FFT bins may be empty: it then reads as silence, as it does in Kaldi.
    Raises EarShotError where the band lies outside 0 to half the sample rate.
    """
    check_band(sample_rate, f_min, f_max)
    lowest, highest = hz_to_mel(np.array([f_min, f_max]), scale)
    edges = np.linspace(lowest, highest, n_mels + 2)
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)  # Hz
    edges_hz = mel_to_hz(edges, scale)
    if scale == "kaldi":
        bins = hz_to_mel(bins, scale)
    else:
        edges = edges_hz
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])  # [n_freq, n_mels]
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    bank: np.ndarray = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "slaney":
        bank *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
    bank.setflags(write=False)
    return bank


def check_band(sample_rate: int, f_min: float, f_max: float) -> None:
    """Refuse a band of frequencies that a sound at `sample_rate` does not have."""
    if f_max > sample_rate / 2:
        raise EarShotError(
            got=f"f_max={f_max:g} Hz at sample_rate={sample_rate} Hz",
            expected=f"f_max of at most {sample_rate / 2:g} Hz, half the sample rate",
            mend="Lower f_max, or load the audio at a higher sample_rate.",
        )
    if not 0 <= f_min < f_max:
        raise EarShotError(
            got=f"f_min={f_min:g} Hz with f_max={f_max:g} Hz",
            expected="0 <= f_min < f_max",
            mend="Lower f_min, or raise f_max.",
        )
