"""Paired differences over seeds, with their 95 % interval: Student's, or by bootstrap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from earshot.core.errors import EarShotError, unknown_name
from earshot.training.experiment import Expectation

Verdict = Literal["holds", "open", "fails"]
IntervalKind = Literal["t", "bootstrap"]
INTERVALS = {
    "t": "95 % t-interval of the paired differences over seeds",
    "bootstrap": "95 % bootstrap interval of the mean paired difference over seeds, every resample "
    "weighed alike; too narrow with few seeds",
}
MAX_SEEDS_ENUMERATED = 7  # 7 ** 7 resamples, under a million
N_RESAMPLES = 10_000  # of more seeds, drawn


@dataclass(frozen=True)
class Paired:
    """Differences of pairs, their mean, and the interval around it."""

    differences: tuple[float, ...]
    mean: float
    low: float
    high: float

    def verdict(self, expected: Expectation) -> Verdict:
        """What the interval says.

        "above" holds when the whole interval lies above 0. "not below" holds already when the mean
        is at least 0. Both fail when the whole interval lies below 0; else the question is open.
        """
        if self.high < 0:
            return "fails"
        if self.low > 0 or (expected == "not below" and self.mean >= 0):
            return "holds"
        return "open"


def paired_difference(
    values: Sequence[float], others: Sequence[float], interval: IntervalKind = "t"
) -> Paired:
    """values - others, pair by pair, with the 95 % interval of their mean.

    "t": mean +- t(0.975, n - 1) * s / sqrt(n). "bootstrap": the percentiles of the means of all
    resamples of the pairs; with three seeds it is nearly their range, and covers less than 95 %.
    One pair has no interval: both its ends are infinite.
    """
    if interval not in INTERVALS:
        raise unknown_name("interval", interval, INTERVALS)
    if len(values) != len(others) or not values:
        raise EarShotError(
            got=f"{len(values)} values and {len(others)} to pair them with",
            expected="as many of both, at least one",
            mend="Measure both arms under the same seeds.",
        )
    differences = [one - other for one, other in zip(values, others, strict=True)]
    n = len(differences)
    mean = math.fsum(differences) / n
    if n == 1:
        return Paired(tuple(differences), mean, -math.inf, math.inf)
    if interval == "bootstrap":
        return Paired(tuple(differences), mean, *_bootstrap(differences))
    from scipy.stats import t

    variance = math.fsum((each - mean) ** 2 for each in differences) / (n - 1)
    half = float(t.ppf(0.975, n - 1)) * math.sqrt(variance / n)
    return Paired(tuple(differences), mean, mean - half, mean + half)


def _bootstrap(differences: Sequence[float]) -> tuple[float, float]:
    """Percentiles of the mean over resamples: all of them for few pairs, drawn ones for many."""
    import numpy as np

    n = len(differences)
    if n <= MAX_SEEDS_ENUMERATED:
        drawn = np.stack(np.meshgrid(*[np.arange(n)] * n, indexing="ij"), -1).reshape(-1, n)
    else:
        drawn = np.random.default_rng(0).integers(0, n, (N_RESAMPLES, n))
    low, high = np.quantile(np.array(differences)[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)
