"""Figures of naming clips by scores of labels, whichever way the scores were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earshot import metrics
from earshot.metrics import LabelCurves, Resampled

Array = NDArray[np.float64]
N_RESAMPLES = 1000
N_RESAMPLES_CURVES = 200  # average precision costs more


def naming_figures(
    scores: Array,
    clip_labels: Sequence[Sequence[str]],
    labels: Sequence[str],
    groups: NDArray[np.str_],
    *,
    several: bool,
) -> tuple[Resampled, dict[str, Any]]:
    """Figures with their draws, and details by label. scores [clips, labels]: higher is surer.

    With one label a clip: accuracy, top-5, balanced accuracy. With `several`: macro average
    precision and area under the ROC curve.
    """
    if several:
        return _several(scores, clip_labels, labels, groups)
    place = {label: i for i, label in enumerate(labels)}
    target = np.array([place[own[0]] for own in clip_labels])
    ranks = metrics.true_label_ranks(scores, target)
    first, among_five = (ranks == 1).astype(np.float64), (ranks <= 5).astype(np.float64)

    def figures(weights: Array) -> dict[str, float]:
        of_class = metrics.weighted_class_means(first, target, weights)
        return {
            "accuracy": metrics.weighted_mean(first, weights),
            "top_5": metrics.weighted_mean(among_five, weights),
            "balanced_accuracy": float(of_class[np.isfinite(of_class)].mean()),
        }

    details = {
        "labels": list(labels),
        "per_class": metrics.per_class_accuracy(scores, target, labels),
        "confusion": metrics.confusion(scores, target).tolist(),
    }
    return metrics.resample(figures, groups, n_resamples=N_RESAMPLES), details


def _several(
    scores: Array,
    clip_labels: Sequence[Sequence[str]],
    labels: Sequence[str],
    groups: NDArray[np.str_],
) -> tuple[Resampled, dict[str, Any]]:
    curves = LabelCurves(scores, truth_of(clip_labels, labels))
    found = curves.measure()

    def figures(weights: Array) -> dict[str, float]:
        values = curves.measure(weights).values
        return {name: values[name] for name in ("mAP", "AUC")}

    resampled = metrics.resample(figures, groups, n_resamples=N_RESAMPLES_CURVES)
    resampled.values["n_labels_scored"] = found.values["n_labels_scored"]
    precision = zip(labels, found.average_precision.tolist(), strict=True)
    per_class = {label: value for label, value in precision if np.isfinite(value)}
    return resampled, {"labels": list(labels), "per_class": per_class}


def truth_of(clip_labels: Sequence[Sequence[str]], labels: Sequence[str]) -> Array:
    """0 and 1 [clips, labels]."""
    place = {label: i for i, label in enumerate(labels)}
    truth = np.zeros((len(clip_labels), len(labels)))
    for row, own in enumerate(clip_labels):
        truth[row, [place[label] for label in own]] = 1
    return truth
