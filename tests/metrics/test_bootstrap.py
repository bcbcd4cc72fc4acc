from __future__ import annotations

import math

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics import mean_interval, statistic_interval


def test_the_interval_is_that_of_the_normal_approximation() -> None:
    values = (np.arange(400) % 4 == 0).astype(float)  # a quarter of them hits
    found = mean_interval(values, n_resamples=4000)
    half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.005)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random(50)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_items_of_one_group_are_drawn_together() -> None:
    hits = np.repeat([0.0, 1.0] * 10, 20)  # 20 recordings of 20 clips that agree with each other
    apart = mean_interval(hits)
    together = mean_interval(hits, groups=np.repeat(np.arange(20), 20))
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_any_statistic() -> None:
    values = np.arange(101.0)
    found = statistic_interval(lambda drawn: float(np.median(values[drawn])), 101)
    assert found.value == 50
    assert found.low < 50 < found.high


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(EarShotError, match="at least 10 resamples"):
        mean_interval([1.0, 2.0], level=1.0)
