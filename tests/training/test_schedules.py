from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.training.schedules import learning_rate_factor


def curve(steps: int, warmup_steps: int, schedule: str) -> list[float]:
    return [
        learning_rate_factor(step, steps=steps, warmup_steps=warmup_steps, schedule=schedule)
        for step in range(steps)
    ]


def test_the_closed_form() -> None:
    factors = curve(110, 10, "cosine")
    assert factors[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert factors[10] == 1.0
    assert factors[60] == pytest.approx(0.5)  # half of the cosine is done
    assert factors[109] == pytest.approx(0.5 * (1 + math.cos(math.pi * 99 / 100)))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(steps=st.integers(1, 200), warmup=st.integers(0, 250))
def test_up_then_down_and_never_zero(steps: int, warmup: int) -> None:
    factors = curve(steps, warmup, "cosine")
    top = factors.index(max(factors))
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_constant_stays_at_the_peak() -> None:
    assert curve(8, 2, "constant") == [0.5, 1, 1, 1, 1, 1, 1, 1]


def test_three_stages_rise_hold_and_fall_to_a_twentieth() -> None:
    factors = curve(100, 10, "tri_stage")
    assert factors[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert factors[10:51] == [1.0] * 41
    assert factors[75] == pytest.approx(0.05**0.5)
    ratios = [b / a for a, b in zip(factors[51:], factors[52:], strict=False)]
    assert ratios == pytest.approx([0.05 ** (1 / 50)] * len(ratios))
    assert factors[99] == pytest.approx(0.05 ** (49 / 50))


def test_a_line_falls_to_nothing() -> None:
    factors = curve(110, 10, "linear")
    assert factors[10] == 1.0
    assert factors[60] == pytest.approx(0.5)
    assert factors[109] == pytest.approx(0.01)
