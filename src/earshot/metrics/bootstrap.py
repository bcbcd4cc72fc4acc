"""How far a figure could have come out otherwise: seeded bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its interval."""

    value: float
    low: float
    high: float


def mean_interval(
    values: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The mean of `values` [n] with its percentile interval.

    groups [n]: items of one group (captions of one clip, clips of one recording) are drawn
    together, because they are not independent; every item is its own group when left out.
    """
    array = finite_array("values", values, n_dims=1)
    members = np.arange(len(array)) if groups is None else np.asarray(groups)
    _, group_of = np.unique(members, return_inverse=True)
    sums = np.bincount(group_of, weights=array)
    sizes = np.bincount(group_of).astype(np.float64)
    generator = np.random.default_rng(seed)
    _check(n_resamples, level)
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = generator.integers(0, len(sums), len(sums))
        draws[i] = sums[drawn].sum() / sizes[drawn].sum()
    return _interval(float(array.mean()), draws, level)


def statistic_interval(
    statistic: Callable[[NDArray[np.int64]], float],
    n_items: int,
    *,
    n_resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Any figure with its percentile interval: `statistic` is given the item numbers drawn.

    Draws on which the figure does not exist (NaN) are left out.
    """
    _check(n_resamples, level)
    generator = np.random.default_rng(seed)
    draws = np.array(
        [statistic(generator.integers(0, n_items, n_items)) for _ in range(n_resamples)]
    )
    return _interval(statistic(np.arange(n_items)), draws[np.isfinite(draws)], level)


def _check(n_resamples: int, level: float) -> None:
    if n_resamples < 10 or not 0 < level < 1:
        raise EarShotError(
            got=f"n_resamples={n_resamples}, level={level:g}",
            expected="at least 10 resamples and a level between 0 and 1",
            mend="Leave them out: the defaults give a 95 % interval.",
        )


def _interval(value: float, draws: NDArray[np.float64], level: float) -> Interval:
    if not len(draws):
        return Interval(value, math.nan, math.nan)
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
