"""Noise of all colours: white, sloped, in a band, sparse as dust; and the filters for it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt

from earshot.synth.take import Take


def white(take: Take) -> np.ndarray:
    """Gaussian noise of unit RMS."""
    return take.rng.standard_normal(take.n_samples, dtype=np.float32)


def sloped(take: Take, db_per_octave: float) -> np.ndarray:
    """Noise of unit RMS whose power falls (or rises) by so many dB an octave: pink is -3."""
    n = _fast_length(take.n_samples)
    spectrum = np.fft.rfft(take.rng.standard_normal(n, dtype=np.float32))
    hz = np.fft.rfftfreq(n, 1 / take.sample_rate)
    gain = (np.maximum(hz, 20.0) / 1000.0) ** (db_per_octave / 6.0206)
    gain[0] = 0.0
    noise = np.fft.irfft(spectrum * gain, n)[: take.n_samples]
    return noise / (np.sqrt(np.mean(noise**2)) + 1e-12)


def band(take: Take, low_hz: float, high_hz: float, order: int = 2) -> np.ndarray:
    """White noise between two frequencies, unit RMS."""
    noise = band_pass(white(take), take.sample_rate, low_hz, high_hz, order)
    return noise / (np.sqrt(np.mean(noise**2)) + 1e-12)


def dust(take: Take, rate_hz: float, spread: float = 1.0) -> np.ndarray:
    """Single samples at random times, about `rate_hz` a second; few loud, many soft."""
    impulses = np.zeros(take.n_samples)
    count = max(1, int(take.rng.poisson(rate_hz * take.duration_s)))
    where = take.rng.integers(0, take.n_samples, count)
    gains = take.rng.exponential(1.0, count) ** spread * take.rng.choice([-1.0, 1.0], count)
    np.add.at(impulses, where, gains)
    return impulses


def wander(take: Take, rate_hz: float, low: float, high: float) -> np.ndarray:
    """A smooth random curve between `low` and `high` that turns about `rate_hz` times a second."""
    n_knots = max(4, int(take.duration_s * rate_hz * 2) + 3)
    knots = take.rng.uniform(low, high, n_knots)
    place = np.linspace(0, n_knots - 1.001, take.n_samples)
    index = place.astype(int)
    ease = 0.5 - 0.5 * np.cos(np.pi * (place - index))
    return knots[index] * (1 - ease) + knots[np.minimum(index + 1, n_knots - 1)] * ease


def low_pass(waveform: np.ndarray, sample_rate: int, hz: float, order: int = 2) -> np.ndarray:
    """Butterworth; a cut-off above half the rate is brought below it."""
    return sosfilt(_sections("low", order, sample_rate, _inside(hz, sample_rate)), waveform)


def high_pass(waveform: np.ndarray, sample_rate: int, hz: float, order: int = 2) -> np.ndarray:
    """Butterworth; a cut-off above half the rate is brought below it."""
    return sosfilt(_sections("high", order, sample_rate, _inside(hz, sample_rate)), waveform)


def band_pass(
    waveform: np.ndarray, sample_rate: int, low_hz: float, high_hz: float, order: int = 2
) -> np.ndarray:
    """Butterworth; both edges are brought below half the rate, in order."""
    high_hz = _inside(high_hz, sample_rate)
    low_hz = min(max(low_hz, 10.0), high_hz / 1.2)
    return sosfilt(_sections("band", order, sample_rate, (low_hz, high_hz)), waveform)


def _inside(hz: float, sample_rate: int) -> float:
    return float(min(max(hz, 10.0), 0.46 * sample_rate))


@lru_cache(maxsize=512)
def _sections(
    kind: str, order: int, sample_rate: int, hz: float | tuple[float, float]
) -> np.ndarray:
    return butter(order, hz, btype=kind, fs=sample_rate, output="sos")


def _fast_length(n: int) -> int:
    """The next length that is quick to transform: 2^k or 3 * 2^k."""
    size = 2
    while size < n:
        if size * 3 // 2 >= n:
            return size * 3 // 2
        size *= 2
    return size
