from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.metrics.label_information import label_information


@given(n_labels=st.integers(2, 12))
@settings(deadline=None, derandomize=True, max_examples=10)
def test_labels_that_are_the_classes_say_all_of_them(n_labels: int) -> None:
    classes = np.arange(n_labels).repeat(500)
    found = label_information((classes + 1) % n_labels, classes, n_labels)
    assert found.nats == pytest.approx(math.log(n_labels), rel=0.01)
    assert found.share == pytest.approx(1.0, abs=0.01)
    assert found.perplexity == pytest.approx(n_labels)


def test_labels_at_random_say_nothing_though_there_are_many() -> None:
    rng = np.random.default_rng(0)
    labels, classes = rng.integers(0, 64, 3_000), rng.integers(0, 10, 3_000)
    joint = np.zeros((64, 10))
    np.add.at(joint, (labels, classes), 1 / 3_000)
    free = joint.sum(1, keepdims=True) * joint.sum(0)
    plain = float((joint[joint > 0] * np.log(joint[joint > 0] / free[joint > 0])).sum())
    assert plain > 0.08  # what uncorrected counts would claim
    assert label_information(labels, classes, 64).nats < 0.02


def test_half_of_what_is_to_be_known_by_hand() -> None:
    labels, classes = [0, 0, 1, 1] * 1_000, [0, 1, 2, 3] * 1_000
    found = label_information(labels, classes, 5)
    assert found.nats == pytest.approx(math.log(2), abs=0.001)
    assert found.share == pytest.approx(0.5, abs=0.001)
    assert label_information([1, 0, 1, 0], [0, 0, 0, 0], 2).share == 0.0


def test_labels_without_classes_are_refused() -> None:
    with pytest.raises(EarShotError, match="a class beside every label"):
        label_information([0, 1], [0], 2)
    with pytest.raises(EarShotError, match="0 to 1"):
        label_information([0, 2], [0, 1], 2)
