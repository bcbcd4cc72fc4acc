"""One take of a sound: its randomness, its room in time, and how high and fast it is played."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Take:
    """What a sound is rendered into; every synthesiser here takes one and returns `n_samples`."""

    rng: np.random.Generator
    sample_rate: int  # Hz
    n_samples: int
    pitch: float = 1.0  # factor on every frequency that makes the sound high or low
    speed: float = 1.0  # factor on the rate at which it repeats

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def top_hz(self) -> float:
        """The highest frequency worth making: a little below half the sample rate."""
        return 0.46 * self.sample_rate

    def seconds(self) -> np.ndarray:
        """The time of every sample, [n_samples]."""
        return np.arange(self.n_samples) / self.sample_rate

    def part(self, duration_s: float) -> Take:
        """The same take with its own length: a grain, a syllable, one blow of many."""
        return replace(self, n_samples=max(2, round(duration_s * self.sample_rate)))

    def uniform(self, low: float, high: float) -> float:
        """A number drawn between `low` and `high`."""
        return float(self.rng.uniform(low, high))
