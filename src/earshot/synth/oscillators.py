"""Steady sources: sines, harmonic stacks, band-limited saws, frequency modulation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.synth.take import Take

Curve = float | np.ndarray  # one value, or one for every sample


def turns(take: Take, hz: Curve, start: float = 0.0) -> np.ndarray:
    """Phase in whole turns after each sample of a frequency that may move."""
    hz = np.broadcast_to(np.asarray(hz, dtype=np.float64), (take.n_samples,))
    return start + np.cumsum(hz) / take.sample_rate


def sine(take: Take, hz: Curve, start: float | None = None) -> np.ndarray:
    """A sine whose frequency may move; a random starting phase unless one is given."""
    start = take.uniform(0, 1) if start is None else start
    return np.sin(2 * np.pi * turns(take, hz, start))


def stack(take: Take, hz: Curve, amplitudes: Sequence[float] | np.ndarray) -> np.ndarray:
    """Harmonics 1, 2, 3 ... of a frequency that may move, where they stay below half the rate."""
    phase = 2 * np.pi * turns(take, hz, take.uniform(0, 1))
    top = float(np.max(hz))
    total = np.zeros(take.n_samples)
    for number, amplitude in enumerate(amplitudes, start=1):
        if number * top > take.top_hz:
            break
        if amplitude:
            total += amplitude * np.sin(number * phase)
    return total if top <= take.top_hz else sine(take, take.top_hz)


def saw(take: Take, hz: Curve) -> np.ndarray:
    """A sawtooth in [-1, 1] with its jumps smoothed over two samples (polyBLEP)."""
    hz = np.broadcast_to(np.asarray(hz, dtype=np.float64), (take.n_samples,))
    step = np.minimum(hz / take.sample_rate, 0.45)
    place = np.mod(turns(take, hz, take.uniform(0, 1)), 1.0)
    wave = 2 * place - 1
    after, before = place < step, place > 1 - step
    ratio = place[after] / step[after]
    wave[after] -= 2 * ratio - ratio**2 - 1
    ratio = (place[before] - 1) / step[before]
    wave[before] -= ratio**2 + 2 * ratio + 1
    return wave


def square(take: Take, hz: float, n_harmonics: int = 12) -> np.ndarray:
    """Odd harmonics falling as 1/n: the hollow, buzzing tone of cheap electronics."""
    return stack(take, hz, [1 / n if n % 2 else 0.0 for n in range(1, 2 * n_harmonics)])


def vibrato(take: Take, rate_hz: float, depth: float) -> np.ndarray:
    """A factor around 1 for a frequency: a swing of `depth` at `rate_hz`."""
    return 1 + depth * np.sin(2 * np.pi * (take.seconds() * rate_hz + take.uniform(0, 1)))
