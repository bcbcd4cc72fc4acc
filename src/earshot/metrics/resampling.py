"""How far figures could have come out otherwise: the same draws of clips for every figure.

A draw is a weight for each item, how often it was drawn, so a figure is a function of weights. Two
models that are drawn alike can be compared draw by draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.bootstrap import Interval

Array = NDArray[np.float64]
Figures = Callable[[Array], dict[str, float]]  # weights [items] -> figures by name


@dataclass(frozen=True, eq=False)
class Resampled:
    """Figures, and what each came to in every draw [n_resamples]."""

    values: dict[str, float]
    draws: dict[str, Array]

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The ends of each figure's 95 % percentile interval; of finite draws, where any are."""
        found = {name: percentiles(draws) for name, draws in self.draws.items()}
        return {name: ends for name, ends in found.items() if ends is not None}


def resample(
    figures: Figures, groups: ArrayLike, *, n_resamples: int = 1000, seed: int = 0
) -> Resampled:
    """`figures` of all items, and of `n_resamples` draws of them.

    groups [items]: items of one group (clips of one recording) are drawn together, because they
    are not independent. The draws depend on the groups and the seed alone. A figure that does not
    exist in a draw (of a label that was not drawn) is NaN there.
    """
    members = np.asarray(groups)
    values = figures(np.ones(len(members)))
    drawn = [figures(weights) for weights in draws_of(members, n_resamples, seed)]
    by_name = {name: np.array([each.get(name, np.nan) for each in drawn]) for name in values}
    return Resampled(values, by_name)


def draws_of(groups: ArrayLike, n_resamples: int, seed: int) -> Iterator[Array]:
    """Weights [items], `n_resamples` times: as many groups as there are, with replacement."""
    if n_resamples < 10:
        raise EarShotError(
            got=f"n_resamples={n_resamples}",
            expected="10 or more",
            mend="Leave it out: the default gives a 95 % interval.",
        )
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(seed)
    for _ in range(n_resamples):
        drawn = generator.integers(0, len(names), len(names))
        yield np.bincount(drawn, minlength=len(names)).astype(np.float64)[group_of]


def paired_intervals(one: Resampled, other: Resampled) -> dict[str, Interval]:
    """one - other for the figures of both, with its 95 % interval, draw by draw.

    Both must have been drawn from the same items in the same order by the same seed.
    """
    found = {}
    for name in one.values.keys() & other.values.keys():
        if len(one.draws[name]) != len(other.draws[name]):
            raise EarShotError(
                got=f"{len(one.draws[name])} and {len(other.draws[name])} draws of {name}",
                expected="as many of both",
                mend="Resample both alike.",
            )
        ends = percentiles(one.draws[name] - other.draws[name])
        if ends is not None:
            found[name] = Interval(one.values[name] - other.values[name], *ends)
    return {name: found[name] for name in one.values if name in found}


def percentiles(draws: Array, level: float = 0.95) -> tuple[float, float] | None:
    """The ends of the middle `level` of the finite draws; None when there are none."""
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
