from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics import Resampled, mean_interval, paired_intervals, resample, weighted_mean
from earshot.metrics.resampling import draws_of

HITS = (np.arange(200) % 4 == 0).astype(float)
APART = np.arange(200)


def mean_of(values: np.ndarray):
    return lambda weights: {"mean": weighted_mean(values, weights)}


def test_it_is_the_interval_of_the_mean() -> None:
    found = resample(mean_of(HITS), APART)
    plain = mean_interval(HITS)
    assert found.values["mean"] == plain.value == 0.25
    assert found.intervals["mean"] == pytest.approx((plain.low, plain.high))


def test_groups_are_drawn_whole_and_as_many_as_there_are() -> None:
    groups = np.repeat(["a", "b", "c"], [2, 3, 1])
    for weights in draws_of(groups, 20, seed=1):
        by_group = {group: set(weights[groups == group]) for group in "abc"}
        assert all(len(each) == 1 for each in by_group.values())
        assert sum(each.pop() for each in by_group.values()) == 3


def test_a_paired_difference_is_narrower_where_the_same_items_are_hard() -> None:
    better = HITS.copy()
    better[1:9] = 1  # right where the other is, and on eight items more
    one, other = resample(mean_of(better), APART), resample(mean_of(HITS), APART)
    paired = paired_intervals(one, other)["mean"]
    assert paired.value == pytest.approx(6 / 200)  # two of the eight were right already
    assert 0 < paired.low < paired.value < paired.high
    width = one.intervals["mean"][1] - one.intervals["mean"][0]
    assert paired.high - paired.low < width / 2
    back = paired_intervals(other, one)["mean"]
    assert (back.low, back.high) == pytest.approx((-paired.high, -paired.low))


def test_a_model_does_not_differ_from_itself() -> None:
    one = resample(mean_of(HITS), APART)
    paired = paired_intervals(one, one)["mean"]
    assert (paired.value, paired.low, paired.high) == (0, 0, 0)


def test_draws_in_which_a_figure_is_missing_are_left_out() -> None:
    found = resample(lambda weights: {"of the first": 1.0 if weights[0] else np.nan}, APART)
    assert found.intervals == {"of the first": (1.0, 1.0)}
    assert np.isnan(found.draws["of the first"]).any()
    nothing = Resampled({"x": 0.0}, {"x": np.full(10, np.nan)})
    assert nothing.intervals == {}


def test_what_was_drawn_otherwise_cannot_be_paired() -> None:
    with pytest.raises(EarShotError, match="Resample both alike"):
        paired_intervals(
            resample(mean_of(HITS), APART), resample(mean_of(HITS), APART, n_resamples=20)
        )
    with pytest.raises(EarShotError, match="10 or more"):
        resample(mean_of(HITS), APART, n_resamples=2)
