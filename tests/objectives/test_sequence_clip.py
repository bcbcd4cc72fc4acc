from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.sequence_clip import SequenceClip, sequence_scores

SETTINGS = settings(deadline=None, derandomize=True, max_examples=25)


def draw(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, 3, 5, generator=torch.Generator().manual_seed(seed))


@SETTINGS
@given(n=st.integers(1, 6), seed=st.integers(0, 50))
def test_the_loss_is_the_written_sum(n: int, seed: int) -> None:
    """A slow loop in double precision."""
    z, y = draw(n, seed), draw(n, seed + 100)
    total = 0.0
    for i in range(n):
        scores = []
        for j in range(n):
            inner = sum(
                float(z[i, f, t].double() * y[j, f, t].double()) for f in range(3) for t in range(5)
            )
            norm = math.sqrt(sum(float(v) ** 2 for v in y[j].double().flatten()))
            scores.append(inner / (1e-8 + norm))
        total -= math.log(math.exp(scores[i]) / sum(math.exp(s) for s in scores))
    assert SequenceClip()(z, y).item() == pytest.approx(total / n, abs=1e-5)


@SETTINGS
@given(scale=st.floats(0.1, 50))
def test_the_length_of_targets_is_nothing_and_that_of_estimates_is_sureness(scale: float) -> None:
    z, y = draw(4, 0), draw(4, 1)
    torch.testing.assert_close(sequence_scores(z, scale * y), sequence_scores(z, y))
    torch.testing.assert_close(sequence_scores(scale * z, y), scale * sequence_scores(z, y))
    both = sequence_scores(scale * z, y, normalise_both=True)
    torch.testing.assert_close(both, sequence_scores(z, y, normalise_both=True))
    assert both.abs().max() <= 1 + 1e-6


def test_orthogonal_targets_give_the_closed_form() -> None:
    """Unit targets, estimates of length s along their own: ln(1 + (n - 1) exp(-s))."""
    y = torch.eye(15)[:6].reshape(6, 3, 5)
    for s in (0.0, 1.0, 4.0):
        wanted = math.log1p(5 * math.exp(-s))
        assert SequenceClip()(s * y, 7.0 * y).item() == pytest.approx(wanted, abs=1e-6)
        loss = SequenceClip(normalise_both=True, scale=s)(9.0 * y, y)
        assert loss.item() == pytest.approx(wanted, abs=1e-6)


def test_the_same_segment_is_no_negative() -> None:
    """Rows 0 and 2 are one segment: each loss is that of a batch without the other."""
    z, y = draw(4, 2), draw(4, 3)
    y[2] = y[0]
    masked = SequenceClip()(z, y, torch.tensor([5, 1, 5, 2]))
    scores = sequence_scores(z, y)
    losses = []
    for row, seen in enumerate([[0, 1, 3], [0, 1, 2, 3], [1, 2, 3], [0, 1, 2, 3]]):
        losses.append(scores[row, seen].logsumexp(0) - scores[row, row])
    torch.testing.assert_close(masked, torch.stack(losses).mean())
    alone = SequenceClip()(z, y, torch.arange(4))
    torch.testing.assert_close(alone, SequenceClip()(z, y))
    all_one = SequenceClip()(z, y, torch.zeros(4, dtype=torch.int64))
    assert all_one.item() == 0.0


def test_only_one_direction_counts() -> None:
    """A candidate that every estimate likes harms rows, not its own column."""
    z, y = draw(4, 4), draw(4, 5)
    assert SequenceClip()(z, y).item() != pytest.approx(SequenceClip()(y, z).item(), abs=1e-3)


def test_shapes_and_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EarShotError, match="expected shape"):
        SequenceClip()(torch.zeros(2, 3, 5), torch.zeros(2, 3, 4))
    with pytest.raises(EarShotError, match="candidates of shape"):
        sequence_scores(torch.zeros(2, 3, 5), torch.zeros(2, 4, 5))
    with pytest.raises(EarShotError, match="NaN"):
        SequenceClip()(torch.full((2, 3, 5), math.nan), torch.zeros(2, 3, 5))
    with pytest.raises(EarShotError, match="segments"):
        SequenceClip()(torch.zeros(2, 3, 5), torch.ones(2, 3, 5), torch.zeros(3))
