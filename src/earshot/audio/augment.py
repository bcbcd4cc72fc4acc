"""Random changes to a waveform that leave its meaning. All draw from the generator passed in."""

from __future__ import annotations

import math

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.mixing import mix_by_loudness


def random_gain(
    waveform: np.ndarray, rng: np.random.Generator, low_db: float = -6.0, high_db: float = 6.0
) -> np.ndarray:
    """The waveform [samples], louder or softer by a uniform draw of dB."""
    return waveform * np.float32(10 ** (rng.uniform(low_db, high_db) / 20))


def random_polarity(
    waveform: np.ndarray, rng: np.random.Generator, probability: float = 0.5
) -> np.ndarray:
    """The waveform [samples], upside down with the given probability."""
    return -waveform if rng.random() < probability else waveform


def random_shift(
    waveform: np.ndarray, rng: np.random.Generator, max_samples: int, *, circular: bool = True
) -> np.ndarray:
    """The waveform [samples], moved by up to `max_samples` either way.

    What leaves at one end comes back at the other; with circular=False zeros come in.
    """
    n_shift = int(rng.integers(-max_samples, max_samples, endpoint=True))
    shifted = np.roll(waveform, n_shift)
    if not circular and n_shift:
        shifted[slice(0, n_shift) if n_shift > 0 else slice(n_shift, None)] = 0.0
    return shifted


def mix_at_snr(
    signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator, snr_db: float
) -> np.ndarray:
    """The signal [samples] with noise `snr_db` below it in power.

    The noise begins at a random place and is repeated or cut to the signal's length. Silence on
    either side has no ratio: the signal comes back as it is. The sum may pass 1.
    """
    if not len(signal) or not len(noise):
        raise AudioError(
            got=f"a signal of {len(signal)} and a noise of {len(noise)} samples",
            expected="at least one sample each",
            mend="Leave out empty clips.",
        )
    first = int(rng.integers(len(noise)))
    cut = np.take(noise, np.arange(first, first + len(signal)), mode="wrap")
    signal_power, noise_power = float(np.mean(signal**2)), float(np.mean(cut**2))
    if not signal_power or not noise_power:
        return signal.copy()
    scale = math.sqrt(signal_power / noise_power / 10 ** (snr_db / 10))
    return signal + np.float32(scale) * cut


def between_class_mix(
    first: np.ndarray, second: np.ndarray, sample_rate: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Two sounds [samples] of one length in one, and the share r of the first in the label.

    r is uniform in (0, 1); the label of the mix is r * first + (1 - r) * second. The shares of the
    waveforms allow for how loud each is heard, so that r is the share that is heard.
    Source: arXiv:1711.10282, Sec. 3.2.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise AudioError(
            got=f"waveforms of shapes {list(first.shape)} and {list(second.shape)}",
            expected="two waveforms [samples] of one length",
            mend="Crop or pad both to one length first.",
        )
    ratio = float(rng.uniform(1e-6, 1 - 1e-6))
    return mix_by_loudness(first, second, sample_rate, ratio), ratio
