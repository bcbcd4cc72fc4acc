"""Paired differences over seeds, with their 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from earshot.core.errors import EarShotError
from earshot.training.experiment import Expectation

Verdict = Literal["holds", "open", "fails"]


@dataclass(frozen=True)
class Paired:
    """Differences of pairs, their mean, and Student's t-interval around it."""

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


def paired_difference(values: Sequence[float], others: Sequence[float]) -> Paired:
    """values - others, pair by pair: mean +- t(0.975, n - 1) * s / sqrt(n), the 95 % t-interval.

    One pair has no interval: both its ends are infinite.
    """
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
    from scipy.stats import t

    variance = math.fsum((each - mean) ** 2 for each in differences) / (n - 1)
    half = float(t.ppf(0.975, n - 1)) * math.sqrt(variance / n)
    return Paired(tuple(differences), mean, mean - half, mean + half)
