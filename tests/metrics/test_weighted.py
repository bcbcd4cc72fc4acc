"""Whole weights are the same as items repeated as often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.metrics import (
    LabelCurves,
    multi_label,
    weighted_class_means,
    weighted_mean,
    weighted_median,
)

usual = settings(deadline=None, derandomize=True, max_examples=30)
seeds = st.integers(0, 1000)


def drawn(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Values with ties, and how often each counts: never none at all."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, n).astype(float)
    weights[rng.integers(n)] += 1
    return rng.integers(0, 6, n).astype(float), weights


@usual
@given(seeds)
def test_mean_and_median_are_those_of_repeated_items(seed: int) -> None:
    values, weights = drawn(seed)
    repeated = np.repeat(values, weights.astype(int))
    assert weighted_mean(values, weights) == pytest.approx(repeated.mean())
    assert weighted_median(values, weights) == np.median(repeated)


@usual
@given(seeds)
def test_class_means_are_those_of_repeated_items(seed: int) -> None:
    values, weights = drawn(seed)
    target = np.random.default_rng(seed + 1).integers(0, 3, len(values))
    means = weighted_class_means(values, target, weights)
    for label, mean in enumerate(means):
        own = np.repeat(values, weights.astype(int))[
            np.repeat(target, weights.astype(int)) == label
        ]
        assert mean == pytest.approx(own.mean()) if len(own) else math.isnan(mean)


@usual
@given(seeds)
def test_label_curves_are_those_of_repeated_clips(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (12, 3)).astype(float)  # with ties
    truth = rng.integers(0, 2, (12, 3)).astype(float)
    truth[:2] = [[1, 1, 1], [0, 0, 0]]  # so that all labels can be scored
    weights = rng.integers(0, 3, 12)
    weights[:2] += 1
    weighted = LabelCurves(scores, truth).measure(weights.astype(float))
    repeated = multi_label(np.repeat(scores, weights, axis=0), np.repeat(truth, weights, axis=0))
    assert weighted.average_precision == pytest.approx(repeated.average_precision)
    assert weighted.roc_auc == pytest.approx(repeated.roc_auc)


def test_a_label_without_weight_on_one_side_is_not_scored() -> None:
    curves = LabelCurves([[0.9], [0.1]], [[1], [0]])
    assert np.isnan(curves.measure(np.array([0.0, 2.0])).average_precision).all()
    assert math.isnan(curves.measure(np.array([0.0, 2.0])).values["mAP"])


def test_nothing_weighs_is_no_number() -> None:
    assert math.isnan(weighted_mean(np.ones(2), np.zeros(2)))
    assert math.isnan(weighted_median(np.ones(2), np.zeros(2)))
