from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.training.intervals import Paired, paired_difference

numbers = st.floats(-10, 10)


def test_the_closed_form_for_three_seeds() -> None:
    paired = paired_difference([0.7, 0.9, 0.8], [0.5, 0.5, 0.6])
    assert paired.differences == pytest.approx((0.2, 0.4, 0.2))
    half = 4.302652729911275 * statistics.stdev([0.2, 0.4, 0.2]) / math.sqrt(3)  # t(0.975, 2)
    assert paired.mean == pytest.approx(0.8 / 3)
    assert (paired.low, paired.high) == pytest.approx((0.8 / 3 - half, 0.8 / 3 + half))


@settings(deadline=None, derandomize=True, max_examples=40)
@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8), shift=numbers)
def test_shift_and_swap(pairs: list[tuple[float, float]], shift: float) -> None:
    values, others = zip(*pairs, strict=True)
    plain = paired_difference(values, others)
    shifted = paired_difference([v + shift for v in values], [o + shift for o in others])
    swapped = paired_difference(others, values)
    assert shifted.mean == pytest.approx(plain.mean, abs=1e-9)
    assert (swapped.low, swapped.high) == pytest.approx((-plain.high, -plain.low), abs=1e-9)


def test_one_seed_says_nothing() -> None:
    paired = paired_difference([0.9], [0.1])
    assert (paired.low, paired.high) == (-math.inf, math.inf)
    assert paired.verdict("above") == "open"


@pytest.mark.parametrize(
    ("mean", "low", "high", "above", "not_below"),
    [
        (0.2, 0.1, 0.3, "holds", "holds"),
        (0.2, -0.1, 0.5, "open", "holds"),
        (-0.2, -0.5, 0.1, "open", "open"),
        (-0.2, -0.3, -0.1, "fails", "fails"),
    ],
)
def test_verdicts(mean: float, low: float, high: float, above: str, not_below: str) -> None:
    paired = Paired((mean,), mean, low, high)
    assert paired.verdict("above") == above
    assert paired.verdict("not below") == not_below


def test_unpaired_values_are_refused() -> None:
    with pytest.raises(EarShotError, match="same seeds"):
        paired_difference([1.0, 2.0], [1.0])


def test_the_bootstrap_of_three_seeds_by_hand() -> None:
    """Of the 27 resamples one is three times the lowest: 1/27 of them, more than 2.5 %."""
    paired = paired_difference([0.1, 0.2, 0.6], [0.0, 0.0, 0.0], "bootstrap")
    assert paired.mean == pytest.approx(0.3)
    means = sorted(
        (a + b + c) / 3 for a in (0.1, 0.2, 0.6) for b in (0.1, 0.2, 0.6) for c in (0.1, 0.2, 0.6)
    )
    assert means[0] <= paired.low < means[1]
    assert means[-2] < paired.high <= means[-1]


def test_the_bootstrap_of_many_seeds_nears_the_normal_interval() -> None:
    values = [0.1 * (i % 7) for i in range(28)]
    drawn = paired_difference(values, [0.0] * 28, "bootstrap")
    half = 1.96 * statistics.pstdev(values) / math.sqrt(28)
    assert (drawn.low, drawn.high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.008)


def test_another_interval_is_refused() -> None:
    with pytest.raises(EarShotError, match="bootstrap, t"):
        paired_difference([1.0], [1.0], "normal")
