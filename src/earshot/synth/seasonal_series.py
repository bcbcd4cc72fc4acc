"""One long series with two seasons, a trend and noise that comes in regimes, to be forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earshot.core.seed import generator


@dataclass(frozen=True)
class SeasonalConfig:
    """How long it is, and what it is made of."""

    n_steps: int = 6_000
    periods: tuple[float, float] = (24.0, 96.0)  # steps
    trend: float = 0.5  # deviation of the slow random walk over the series
    noise: tuple[float, float] = (0.2, 0.8)  # deviation in the quiet and the loud regime
    regime_steps: int = 200  # mean length of a regime


def seasonal_series(seed: int, config: SeasonalConfig | None = None) -> np.ndarray:
    """The series [3, n_steps]: its values, and the sine and cosine of the first season's phase.

    The amplitude of the first season drifts; values are not standardised.
    """
    config = config or SeasonalConfig()
    rng, n = generator(seed, "seasonal series"), config.n_steps
    at = np.arange(n)
    day, week = (2 * np.pi * at / period for period in config.periods)
    turns = rng.uniform(0, 2 * np.pi, 4)
    amplitude = 1.0 + 0.4 * _slow(rng, n, 400)
    seasons = amplitude * (np.sin(day + turns[0]) + 0.4 * np.sin(2 * day + turns[1]))
    seasons += 0.7 * np.sin(week + turns[2]) + 0.3 * np.sin(3 * week + turns[3])
    changes = rng.random(n) < 1.0 / config.regime_steps
    loud = np.cumsum(changes) % 2 == 1
    noise = rng.standard_normal(n) * np.where(loud, config.noise[1], config.noise[0])
    values = seasons + config.trend * _slow(rng, n, 1_500) + noise
    return np.stack([values, np.sin(day), np.cos(day)]).astype(np.float32)


def _slow(rng: np.random.Generator, n: int, scale: int) -> np.ndarray:
    """Smooth noise of deviation about 1 whose turns lie some `scale` steps apart."""
    n_knots = n // scale + 3
    return np.interp(np.arange(n) / scale, np.arange(n_knots), rng.standard_normal(n_knots))
