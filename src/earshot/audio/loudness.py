"""How loud a sound is heard: A-weighted level of its loudest moment."""

from __future__ import annotations

import math

import numpy as np

SILENCE_DB = -80.0  # loudness given to silence, so that ratios stay finite


def loudness_db(waveform: np.ndarray, sample_rate: int) -> float:
    """Loudness of the loudest 0.1 s of a waveform [samples], A-weighted, dB; -80 for silence.

    Source: arXiv:1711.10282, Sec. 3.2: the greatest in time of the A-weighted sound pressure.
    """
    n_fft = 1 << round(math.log2(0.1 * sample_rate))
    n_hop = n_fft // 2
    n_frames = 1 + max(math.ceil((len(waveform) - n_fft) / n_hop), 0)
    padded = np.zeros((n_frames - 1) * n_hop + n_fft, dtype=np.float32)
    padded[: len(waveform)] = waveform
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::n_hop]  # [frames, n_fft]
    spectrum = np.fft.rfft(frames * np.hanning(n_fft).astype(np.float32))
    power = (np.abs(spectrum) ** 2) @ a_weighting(np.fft.rfftfreq(n_fft, 1 / sample_rate))
    loudest = float(power.max()) / n_fft**2
    return max(10 * math.log10(loudest), SILENCE_DB) if loudest > 0 else SILENCE_DB


def a_weighting(frequency_hz: np.ndarray) -> np.ndarray:
    """Power gain of the A curve at each frequency, 1 at 1 kHz. Source: IEC 61672-1, Annex E."""
    f2 = np.asarray(frequency_hz, dtype=np.float64) ** 2
    low, high = 20.598997**2, 12_194.217**2
    gain = high * f2**2 / ((f2 + low) * (f2 + high))
    gain /= np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2))
    return (gain * 10 ** (2.0 / 20)) ** 2
