"""Naming clips by scores against label texts: accuracies, confusion, and multi-label figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array, indices_below


def true_label_ranks(scores: ArrayLike, target: ArrayLike) -> NDArray[np.int64]:
    """Rank of each clip's true label, 1 is best; a tie counts against it. scores [clips, labels]"""
    array = finite_array("scores", scores, n_dims=2)
    right = indices_below("target", target, n=len(array), below=array.shape[1])
    own = np.take_along_axis(array, right[:, None], axis=1)
    return (array >= own).sum(axis=1)


def accuracy(scores: ArrayLike, target: ArrayLike, *, top: int = 1) -> float:
    """Share of clips whose true label is among the `top` best. scores [clips, labels]"""
    return float((true_label_ranks(scores, target) <= top).mean())


def confusion(scores: ArrayLike, target: ArrayLike) -> NDArray[np.int64]:
    """Counts [true label, best label]. Of labels that tie at the top the first is taken."""
    array = finite_array("scores", scores, n_dims=2)
    n_labels = array.shape[1]
    right = indices_below("target", target, n=len(array), below=n_labels)
    cells = right * n_labels + array.argmax(axis=1)
    return np.bincount(cells, minlength=n_labels**2).reshape(n_labels, n_labels)


def per_class_accuracy(
    scores: ArrayLike, target: ArrayLike, labels: Sequence[str]
) -> dict[str, float]:
    """Accuracy by true label; a label that no clip has is left out."""
    right = np.asarray(target)
    hit = true_label_ranks(scores, target) == 1
    return {name: float(hit[right == i].mean()) for i, name in enumerate(labels) if i in right}


def balanced_accuracy(scores: ArrayLike, target: ArrayLike) -> float:
    """Mean over the true labels of their accuracy: rare labels weigh as much as common ones."""
    right = np.asarray(target)
    hit = true_label_ranks(scores, target) == 1
    n_of = np.bincount(right)
    return float((np.bincount(right, weights=hit)[n_of > 0] / n_of[n_of > 0]).mean())


@dataclass(frozen=True)
class MultiLabel:
    """Per label figures [labels]; NaN where a label has no positive clip, or no negative one."""

    average_precision: NDArray[np.float64]
    roc_auc: NDArray[np.float64]

    @property
    def values(self) -> dict[str, float]:
        """Macro means over the labels that could be scored, and how many those are."""
        scored = np.isfinite(self.average_precision)
        return {
            "mAP": float(self.average_precision[scored].mean()),
            "AUC": float(np.nanmean(self.roc_auc)),
            "n_labels_scored": float(scored.sum()),
        }


def multi_label(scores: ArrayLike, truth: ArrayLike) -> MultiLabel:
    """Average precision and area under the ROC curve of every label.

    scores [clips, labels], truth [clips, labels] of 0 and 1. Equal scores share one threshold, as
    in scikit-learn. Raises when no label has both a positive and a negative clip.
    """
    array = finite_array("scores", scores, n_dims=2)
    positive = finite_array("truth", truth, n_dims=2)
    if positive.shape != array.shape or not np.isin(positive, (0.0, 1.0)).all():
        raise EarShotError(
            got=f"truth of shape {list(positive.shape)} with values {_few(positive)}",
            expected=f"0 or 1 in shape {list(array.shape)}",
            mend="Pass one row per clip and one column per label.",
        )
    n_positive = positive.sum(axis=0)
    usable = (n_positive > 0) & (n_positive < len(array))
    if not usable.any():
        raise EarShotError(
            got="labels of which every one belongs to all clips or to none",
            expected="a label with positive and negative clips",
            mend="Evaluate on clips of more than one kind.",
        )
    precision = np.full(array.shape[1], np.nan)
    area = np.full(array.shape[1], np.nan)
    for label in np.flatnonzero(usable):
        precision[label], area[label] = _curve(array[:, label], positive[:, label])
    return MultiLabel(precision, area)


def _curve(scores: NDArray[np.float64], positive: NDArray[np.float64]) -> tuple[float, float]:
    """Average precision and ROC area of one label."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    hits = np.cumsum(positive[order])[last_of_tie]
    taken = last_of_tie + 1
    recall_gain = np.diff(hits, prepend=0.0) / hits[-1]
    average_precision = float((recall_gain * hits / taken).sum())
    true_rate = np.concatenate([[0.0], hits / hits[-1]])
    false_rate = np.concatenate([[0.0], (taken - hits) / (taken[-1] - hits[-1])])
    return average_precision, float(np.trapezoid(true_rate, false_rate))


def _few(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(values)[:4])
