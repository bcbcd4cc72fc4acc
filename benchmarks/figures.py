"""A measured figure with its bound, and ratios from alternating pairs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One row of a section's table; `low` and `high` are the extremes of the repeats."""

    what: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bound holds; None where there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    def to_row(self) -> dict[str, Any]:
        """For the results file."""
        return {**asdict(self), "met": self.met}


def repeated(what: str, values: list[float], unit: str, **bounds: float) -> Figure:
    """The median of repeats, with their extremes."""
    return Figure(what, statistics.median(values), unit, min(values), max(values), **bounds)


def alternate(ways: Mapping[str, Callable[[], object]], n_pairs: int) -> dict[str, list[float]]:
    """Wall seconds of each way, `n_pairs` times, one after the other in turn; one warm-up each.

    In turn, so that a machine that grows slower or faster does so for all of them alike.
    """
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(n_pairs):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(
    what: str, seconds: Mapping[str, list[float]], peer: str, ours: str, **bounds: float
) -> Figure:
    """How many times as fast `ours` is as `peer`, pair by pair."""
    pairs = zip(seconds[peer], seconds[ours], strict=True)
    return repeated(what, [theirs / own for theirs, own in pairs], "x", **bounds)
