from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.mmd import FACTORS, mean_discrepancy


@settings(deadline=None, derandomize=True, max_examples=20)
@given(n=st.integers(1, 6), m=st.integers(1, 6), seed=st.integers(0, 99))
def test_it_is_its_slow_loop_and_never_negative(n: int, m: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(n, 3, generator=generator), torch.randn(m, 3, generator=generator)
    both = torch.cat([a, b])
    squares = [[float((x - y).square().sum()) for y in both] for x in both]
    width = sum(map(sum, squares)) / (len(both) * (len(both) - 1))

    def kernel(i: int, j: int) -> float:
        return sum(math.exp(-squares[i][j] / (width * factor)) for factor in FACTORS)

    inner = sum(kernel(i, j) for i in range(n) for j in range(n)) / n**2
    outer = sum(kernel(n + i, n + j) for i in range(m) for j in range(m)) / m**2
    across = sum(kernel(i, n + j) for i in range(n) for j in range(m)) / (n * m)
    found = mean_discrepancy(a, b).item()
    assert found == pytest.approx(inner + outer - 2 * across, abs=1e-5)
    assert found > -1e-6
    assert mean_discrepancy(b, a).item() == pytest.approx(found, abs=1e-6)


def test_equal_sets_are_at_zero_and_single_vectors_have_a_closed_form() -> None:
    rows = torch.randn(5, 4)
    assert mean_discrepancy(rows, rows.flip(0)).item() == pytest.approx(0.0, abs=1e-6)
    assert mean_discrepancy(torch.zeros(2, 3), torch.zeros(3, 3)).item() == 0.0
    one = mean_discrepancy(torch.zeros(1, 2), torch.ones(1, 2)).item()  # the width is d^2
    assert one == pytest.approx(sum(2 - 2 * math.exp(-1 / factor) for factor in FACTORS))


def test_its_gradient_draws_the_sets_together() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(16, 3) + 2, torch.randn(16, 3).requires_grad_()
    before = mean_discrepancy(a, b)
    before.backward()
    assert b.grad is not None
    assert mean_discrepancy(a, (b - 0.5 * b.grad).detach()) < before
    assert (b.grad.mean(0) < 0).all()  # they would move towards a


def test_sets_of_other_widths_are_refused() -> None:
    with pytest.raises(EarShotError, match="one dim"):
        mean_discrepancy(torch.zeros(2, 3), torch.zeros(2, 4))
