"""Series that hold one motif of their class somewhere, among bursts and noise that tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.series import Series


@dataclass(frozen=True)
class MotifConfig:
    """How many classes, how long the series, and how well the motif hides."""

    n_classes: int = 8
    n_channels: int = 4
    n_steps: int = 80
    motif_steps: int = 16
    likeness: float = 0.8  # how much all motifs have in common: share of their energy
    motif_gain: tuple[float, float] = (0.7, 1.3)  # drawn for each series
    n_bursts: int = 1  # in each series, of kinds that all classes share
    burst_kinds: int = 4
    burst_gain: float = 0.5
    noise: float = 0.5  # deviation of the noise
    noise_memory: float = 0.7  # of its steps for the one before: how coloured it is

    def __post_init__(self) -> None:
        if self.motif_steps > self.n_steps or min(self.n_classes, self.n_channels) < 1:
            raise EarShotError(
                got=f"motif_steps={self.motif_steps} in n_steps={self.n_steps}, "
                f"{self.n_classes} classes, {self.n_channels} channels",
                expected="a motif that fits in, and at least one class and channel",
                mend="Raise n_steps.",
            )


class MotifSeries:
    """The world of a seed: its motifs, its bursts, and any number of series."""

    def __init__(self, seed: int, config: MotifConfig | None = None) -> None:
        self.seed, self.config = seed, config or MotifConfig()
        rng = generator(seed, "motifs")
        shape = (self.config.n_channels, self.config.motif_steps)
        common, alike = _pattern(rng, *shape), self.config.likeness
        own = [_pattern(rng, *shape) for _ in range(self.config.n_classes)]
        self.motifs = [alike**0.5 * common + (1 - alike) ** 0.5 * each for each in own]
        self.bursts = [_pattern(rng, *shape) for _ in range(self.config.burst_kinds)]

    def draw(self, n: int, split: str) -> list[Series]:
        """`n` series of all classes alike; those of two splits have nothing but motifs in common.

        `focus` is True where the motif lies.
        """
        return list(self._series(n, split))

    def _series(self, n: int, split: str) -> Iterator[Series]:
        config = self.config
        for index in range(n):
            rng = generator(self.seed, index, f"motif series {split}")
            label = index % config.n_classes
            frames = _coloured(rng, config)
            for _ in range(config.n_bursts):
                burst = self.bursts[int(rng.integers(config.burst_kinds))]
                frames += _placed(burst * config.burst_gain, rng, config)[0]
            gain = rng.uniform(*config.motif_gain)
            motif, begin = _placed(self.motifs[label] * gain, rng, config)
            focus = np.zeros(config.n_steps, bool)
            focus[begin : begin + config.motif_steps] = True
            frames = (frames + motif).astype(np.float32)
            yield Series(frames, label, focus, id=f"{split}-{self.seed}-{index:05d}")


def _pattern(rng: np.random.Generator, n_channels: int, n_steps: int) -> np.ndarray:
    """A smooth random shape [n_channels, n_steps] of mean square 1 that fades at both ends."""
    knots = rng.standard_normal((n_channels, max(4, n_steps // 4)))
    at = np.linspace(0, knots.shape[1] - 1, n_steps)
    shape = np.stack([np.interp(at, np.arange(knots.shape[1]), row) for row in knots])
    shape *= np.hanning(n_steps + 2)[1:-1] ** 0.5
    return shape / np.sqrt((shape**2).mean())


def _placed(
    pattern: np.ndarray, rng: np.random.Generator, config: MotifConfig
) -> tuple[np.ndarray, int]:
    """The pattern at a random place of an otherwise empty series, and where it begins."""
    frames = np.zeros((config.n_channels, config.n_steps))
    begin = int(rng.integers(config.n_steps - config.motif_steps + 1))
    frames[:, begin : begin + config.motif_steps] = pattern
    return frames, begin


def _coloured(rng: np.random.Generator, config: MotifConfig) -> np.ndarray:
    """Noise in which a step remembers the one before; its deviation is `config.noise`."""
    from scipy.signal import lfilter

    white = rng.standard_normal((config.n_channels, config.n_steps + 50))
    memory = config.noise_memory
    coloured = lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], white, axis=1)[:, 50:]
    return config.noise * coloured
