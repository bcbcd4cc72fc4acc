from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.series_contrast import global_contrast, local_contrast, series_windows


@given(n=st.integers(2, 40), temperature=st.floats(0.05, 2.0))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_orthogonal_series_with_perfect_views_give_the_closed_form(
    n: int, temperature: float
) -> None:
    rows = torch.eye(n) * 3.0  # lengths do not count
    expected = math.log1p((n - 1) * math.exp(-1 / temperature))
    assert global_contrast(rows, rows * 0.5, temperature=temperature).item() == pytest.approx(
        expected, abs=1e-5
    )


def test_it_goes_one_way_from_series_to_views() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(5, 3), torch.randn(5, 3)
    logits = F.normalize(a) @ F.normalize(b).T / 0.3
    expected = F.cross_entropy(logits, torch.arange(5))
    assert global_contrast(a, b, temperature=0.3).item() == pytest.approx(expected.item())
    assert global_contrast(a, b, temperature=0.3) != global_contrast(b, a, temperature=0.3)


def slow_local(hidden: torch.Tensor, n: list[int], k: int, temperature: float) -> float:
    """By loops over series, windows and steps."""
    losses = []
    for row, length in zip(hidden, n, strict=True):
        own = min(k, length)
        windows = []
        for w in range(own):
            steps = [t for t in range(length) if t * own // length == w]
            windows.append(F.normalize(row[steps].amax(0), dim=0))
        for i in range(own - 1):
            others = [j for j in range(own) if abs(i - j) > 1]
            if not others:
                continue
            scores = [float(windows[i] @ windows[j]) / temperature for j in [i + 1, *others]]
            losses.append(math.log(sum(map(math.exp, scores))) - scores[0])
    return sum(losses) / max(1, len(losses))


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    lengths=st.lists(st.integers(1, 23), min_size=1, max_size=4),
    k=st.integers(4, 8),
    seed=st.integers(0, 99),
)
def test_windows_are_contrasted_as_in_the_slow_loop(lengths: list[int], k: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(lengths), 23, 3, generator=generator)
    found = local_contrast(hidden, torch.tensor(lengths), n_windows=k, temperature=0.5)
    assert found.item() == pytest.approx(slow_local(hidden, lengths, k, 0.5), abs=1e-5)


def test_every_series_counts_and_padding_does_not() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(3, 12, 4, requires_grad=True)
    local_contrast(hidden, torch.tensor([12, 8, 2]), n_windows=4).backward()
    assert hidden.grad is not None
    moved = hidden.grad.abs().sum(-1) > 0
    assert moved[0].any()
    assert moved[1, :8].any()
    assert not moved[1, 8:].any()
    assert not moved[2].any()  # of two windows: nothing to tell apart
    windows, there = series_windows(hidden.detach(), torch.tensor([12, 8, 2]), 4)
    torch.testing.assert_close(windows[0, 1], hidden[0, 3:6].amax(0).detach())
    assert there.sum(1).tolist() == [4, 4, 2]


def test_what_cannot_be_contrasted_is_refused() -> None:
    with pytest.raises(EarShotError, match="at least 4"):
        local_contrast(torch.zeros(1, 5, 2), torch.tensor([5]), n_windows=3)
    with pytest.raises(EarShotError, match="temperature=0"):
        global_contrast(torch.zeros(2, 2), torch.zeros(2, 2), temperature=0.0)
    with pytest.raises(EarShotError, match="one view of every"):
        global_contrast(torch.zeros(2, 2), torch.zeros(3, 2))
