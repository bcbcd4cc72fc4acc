"""Naming clips by scores against label texts: accuracies and confusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
