"""Learning task after task: how much is known after each, and how much of it is lost again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError


@dataclass(frozen=True)
class Continual:
    """What an accuracy matrix says. All in 0..1."""

    curve: NDArray[np.float64]  # [tasks]: after each task, accuracy on the clips of all so far
    forgetting: float

    @property
    def average(self) -> float:
        """The mean of the curve (Avg Acc)."""
        return float(self.curve.mean())

    @property
    def last(self) -> float:
        """The end of the curve (Last Acc)."""
        return float(self.curve[-1])

    @property
    def values(self) -> dict[str, float]:
        """By name: avg_acc, last_acc, forgetting, and acc_1 to acc_T of the curve."""
        figures = {
            "avg_acc": self.average,
            "last_acc": self.last,
            "forgetting": self.forgetting,
        }
        steps = {f"acc_{task}": float(value) for task, value in enumerate(self.curve, start=1)}
        return figures | steps


def continual(accuracy: ArrayLike, n_clips: ArrayLike) -> Continual:
    """Figures of an accuracy matrix [tasks, tasks]: row i, column j is task j's after task i.

    n_clips [tasks]: test clips of each task; a task counts by them. What stands above the diagonal,
    tasks not yet met, is not read. Forgetting is the mean, over all tasks but the last, of a task's
    best accuracy before the last task minus its accuracy at the end; 0 for a single task.
    Source: arXiv:1801.10112, section 3.2 (forgetting).
    """
    table = np.asarray(accuracy, np.float64)
    counts = np.asarray(n_clips, np.float64)
    n_tasks = len(counts)
    if table.shape != (n_tasks, n_tasks) or n_tasks < 1:
        raise EarShotError(
            got=f"accuracy of shape {list(table.shape)} and n_clips of shape {list(counts.shape)}",
            expected="[tasks, tasks] and [tasks]",
            mend="Give a row for each task learnt and a column for each task tested.",
        )
    met = np.tril(np.ones_like(table, dtype=bool))
    known = table[met]
    if not (np.isfinite(known).all() and (known >= 0).all() and (known <= 1).all()):
        raise EarShotError(
            got="accuracies of tasks already met that are missing or outside 0 to 1",
            expected="shares of right answers on and below the diagonal",
            mend="Test on every task met so far after each task.",
        )
    if not (counts > 0).all():
        raise EarShotError(
            got=f"n_clips={counts.tolist()}",
            expected="at least one test clip of every task",
            mend="Leave out labels that have no test clip.",
        )
    weights = np.where(met, counts[None], 0.0)
    curve = np.where(met, table, 0.0) @ counts / weights.sum(1)
    if n_tasks == 1:
        return Continual(curve, 0.0)
    before = np.where(met, table, -np.inf)[:-1, :-1].max(0)  # [tasks - 1]
    return Continual(curve, float((before - table[-1, :-1]).mean()))
