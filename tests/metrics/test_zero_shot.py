from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from earshot.core.errors import EarShotError
from earshot.metrics import (
    accuracy,
    balanced_accuracy,
    confusion,
    multi_label,
    per_class_accuracy,
)

RNG = np.random.default_rng(1)
TARGET = RNG.choice(4, size=200, p=[0.6, 0.2, 0.15, 0.05])
SCORES = RNG.normal(size=(200, 4)) + 1.2 * np.eye(4)[TARGET]


def test_accuracies_agree_with_scikit_learn() -> None:
    best = SCORES.argmax(axis=1)
    assert accuracy(SCORES, TARGET) == pytest.approx(reference.accuracy_score(TARGET, best))
    assert accuracy(SCORES, TARGET, top=2) == pytest.approx(
        reference.top_k_accuracy_score(TARGET, SCORES, k=2)
    )
    assert balanced_accuracy(SCORES, TARGET) == pytest.approx(
        reference.balanced_accuracy_score(TARGET, best)
    )
    assert (confusion(SCORES, TARGET) == reference.confusion_matrix(TARGET, best)).all()
    by_class = per_class_accuracy(SCORES, TARGET, ["a", "b", "c", "d"])
    recall = reference.recall_score(TARGET, best, average=None)
    assert list(by_class.values()) == pytest.approx(list(recall))


def test_a_label_without_clips_changes_no_mean() -> None:
    wider = np.hstack([SCORES, np.full((200, 1), -9.0)])
    assert balanced_accuracy(wider, TARGET) == balanced_accuracy(SCORES, TARGET)
    assert "e" not in per_class_accuracy(wider, TARGET, ["a", "b", "c", "d", "e"])


def test_a_tie_is_not_a_hit() -> None:
    assert accuracy(np.zeros((10, 3)), np.zeros(10, dtype=int)) == 0


@pytest.mark.parametrize("rounded", [False, True])
def test_multi_label_figures_agree_with_scikit_learn(rounded: bool) -> None:
    truth = (RNG.random((200, 4)) < 0.3).astype(int)
    scores = RNG.normal(size=(200, 4)) + truth
    if rounded:  # many ties
        scores = scores.round(0)
    ours = multi_label(scores, truth)
    assert ours.average_precision == pytest.approx(
        reference.average_precision_score(truth, scores, average=None)
    )
    assert ours.roc_auc == pytest.approx(reference.roc_auc_score(truth, scores, average=None))


def test_labels_that_cannot_be_scored_are_counted_not_guessed() -> None:
    truth = np.zeros((6, 2), dtype=int)
    truth[:3, 0] = 1
    values = multi_label(np.arange(12.0).reshape(6, 2), truth).values
    assert values["n_labels_scored"] == 1
    with pytest.raises(EarShotError, match="all clips or to none"):
        multi_label(np.zeros((6, 2)), np.zeros((6, 2)))


def test_nan_and_wrong_shapes_are_refused() -> None:
    with pytest.raises(EarShotError, match="NaN"):
        accuracy(np.array([[np.nan, 1.0]]), [0])
    with pytest.raises(EarShotError, match="0 or 1 in shape"):
        multi_label(np.zeros((3, 2)), np.full((3, 2), 0.5))
    with pytest.raises(EarShotError, match="none of them empty"):
        accuracy(np.zeros((0, 3)), np.zeros(0, dtype=int))
