"""Average precision and area under the ROC curve of many labels, of clips with several each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MultiLabel:
    """Per label figures [labels]; NaN where a label has no positive clip, or no negative one."""

    average_precision: Array
    roc_auc: Array

    @property
    def values(self) -> dict[str, float]:
        """Macro means over the labels that could be scored, and how many those are."""
        scored = np.isfinite(self.average_precision)
        if not scored.any():
            return {"mAP": float("nan"), "AUC": float("nan"), "n_labels_scored": 0.0}
        return {
            "mAP": float(self.average_precision[scored].mean()),
            "AUC": float(np.nanmean(self.roc_auc)),
            "n_labels_scored": float(scored.sum()),
        }


class LabelCurves:
    """The order of the clips for every label, sorted once, to be measured under many weights.

    scores [clips, labels], truth [clips, labels] of 0 and 1. Equal scores share one threshold, as
    in scikit-learn. Raises when no label has both a positive and a negative clip.
    """

    def __init__(self, scores: ArrayLike, truth: ArrayLike) -> None:
        array = finite_array("scores", scores, n_dims=2)
        self.positive = finite_array("truth", truth, n_dims=2)
        _check(array, self.positive)
        self.order = np.argsort(-array, axis=0, kind="stable")  # [clips, labels]
        ranked = np.take_along_axis(array, self.order, axis=0)
        ends = np.vstack([ranked[1:] != ranked[:-1], np.ones((1, array.shape[1]), bool)])
        self.last_of_tie = [np.flatnonzero(ends[:, label]) for label in range(array.shape[1])]

    def measure(self, weights: Array | None = None) -> MultiLabel:
        """The figures of clips that count as often as `weights` [clips] says; once if left out."""
        weights = np.ones(len(self.order)) if weights is None else weights
        n_labels = self.order.shape[1]
        precision, area = np.full(n_labels, np.nan), np.full(n_labels, np.nan)
        for label in range(n_labels):
            order, last = self.order[:, label], self.last_of_tie[label]
            weighed = weights[order]
            taken = np.cumsum(weighed)[last]
            hits = np.cumsum(weighed * self.positive[order, label])[last]
            if 0 < hits[-1] < taken[-1]:
                precision[label], area[label] = _curve(hits, taken)
        return MultiLabel(precision, area)


def multi_label(scores: ArrayLike, truth: ArrayLike) -> MultiLabel:
    """Average precision and area under the ROC curve of every label: `LabelCurves` at once."""
    return LabelCurves(scores, truth).measure()


def _curve(hits: Array, taken: Array) -> tuple[float, float]:
    """Average precision and ROC area from positives and clips at or above each threshold."""
    recall_gain = np.diff(hits, prepend=0.0) / hits[-1]
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    true_rate = np.concatenate([[0.0], hits / hits[-1]])
    false_rate = np.concatenate([[0.0], (taken - hits) / (taken[-1] - hits[-1])])
    return float((recall_gain * precision).sum()), float(np.trapezoid(true_rate, false_rate))


def _check(scores: Array, positive: Array) -> None:
    if positive.shape != scores.shape or not np.isin(positive, (0.0, 1.0)).all():
        raise EarShotError(
            got=f"truth of shape {list(positive.shape)} with values {_few(positive)}",
            expected=f"0 or 1 in shape {list(scores.shape)}",
            mend="Pass one row per clip and one column per label.",
        )
    n_positive = positive.sum(axis=0)
    if not ((n_positive > 0) & (n_positive < len(scores))).any():
        raise EarShotError(
            got="labels of which every one belongs to all clips or to none",
            expected="a label with positive and negative clips",
            mend="Evaluate on clips of more than one kind.",
        )


def _few(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(values)[:4])
