"""Figures of items that count as often as their weights say: what a resampled figure is made of.

With whole weights each equals the plain figure of items repeated as often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def weighted_mean(values: Array, weights: Array) -> float:
    """Mean of `values` [items]; NaN when nothing weighs."""
    total = weights.sum()
    return float(values @ weights / total) if total > 0 else float("nan")


def weighted_median(values: Array, weights: Array) -> float:
    """Median of `values` [items], of whole weights; the mean of the two in the middle if even."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    if not reached[-1] > 0:
        return float("nan")
    half = reached[-1] / 2
    upper = values[order][np.searchsorted(reached, half, side="right")]
    lower = values[order][np.searchsorted(reached, half, side="left")]
    return float((lower + upper) / 2)


def weighted_class_means(values: Array, target: NDArray[np.int64], weights: Array) -> Array:
    """Mean of `values` within each class [classes]; NaN for a class in which nothing weighs."""
    sums = np.bincount(target, weights=values * weights)
    sizes = np.bincount(target, weights=weights)
    means = np.full(len(sizes), np.nan)
    np.divide(sums, sizes, out=means, where=sizes > 0)
    return means
