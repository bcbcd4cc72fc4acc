"""What a measurement of a model came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.jobs.each_file import Failure
from earshot.metrics import Resampled, paired_intervals

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class Evaluation:
    """One object of figures: `metrics` by name, with `intervals` of 95 %."""

    task: str
    n: int  # sounds that were scored
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    model: str
    fingerprint: str
    data: str
    details: dict[str, Any]  # labels, per-class figures, confusion, prompts, number of captions
    failures: list[Failure] = field(default_factory=list)
    draws: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    items: tuple[str, ...] = field(default=(), repr=False, compare=False)  # what was drawn from

    @property
    def counted(self) -> str:
        """What `n` counts, in words."""
        return "pairs" if self.task == "twins" else "sounds"

    def to_row(self) -> dict[str, Any]:
        """The JSON object of it."""
        return {
            "task": self.task,
            "n": self.n,
            "metrics": self.metrics,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "model": self.model,
            "fingerprint": self.fingerprint,
            "data": self.data,
            **self.details,
            "failures": [{"path": str(each.path), "error": each.error} for each in self.failures],
        }


@dataclass(frozen=True)
class Difference:
    """A figure of one model less that of another, on the same clips, with its 95 % interval."""

    figure: str
    value: float
    low: float
    high: float


def evaluation_of(
    task: str,
    found: Resampled,
    embedder: Embedder,
    *,
    data: str,
    n: int,
    items: Sequence[str],
    details: dict[str, Any],
    failures: Sequence[Failure] = (),
) -> Evaluation:
    """An Evaluation of resampled figures; `items` are the ids of what the draws were made from."""
    return Evaluation(
        task=task,
        n=n,
        metrics=found.values,
        intervals=found.intervals,
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        data=data,
        details=details,
        failures=list(failures),
        draws=found.draws,
        items=tuple(items),
    )


def differences(one: Evaluation, other: Evaluation) -> list[Difference]:
    """`one` less `other`, figure by figure, draw by draw: paired, so that hard clips cancel out.

    Empty when the two were not measured on the same clips: then nothing can be paired.
    """
    same = (one.task, one.data, one.items) == (other.task, other.data, other.items)
    if not same or not one.draws:
        return []
    found = paired_intervals(
        Resampled(_drawn(one), one.draws), Resampled(_drawn(other), other.draws)
    )
    return [Difference(name, each.value, each.low, each.high) for name, each in found.items()]


def _drawn(result: Evaluation) -> dict[str, float]:
    return {name: result.metrics[name] for name in result.draws if name in result.metrics}
