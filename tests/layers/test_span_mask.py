from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.span_mask import SpanMaskConfig, span_mask


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def runs(row: torch.Tensor) -> list[int]:
    """Widths of the masked runs of one row."""
    widths, width = [], 0
    for hidden in [*row.tolist(), False]:
        if not hidden and width:
            widths.append(width)
        width = width + 1 if hidden else 0
    return widths


def test_about_half_of_long_sequences_is_hidden_by_default() -> None:
    masks = span_mask(torch.full((400,), 500), 500, generator=drawn())
    # a start has ten positions, and overlaps hide some twice: 1 - (1 - 0.065) ** 10
    assert masks.float().mean() == pytest.approx(1 - 0.935**10, abs=0.01)
    assert all(width >= 10 for row in masks for width in runs(row))
    assert masks[:, 0].any()
    assert masks[:, -1].any()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    n=st.integers(0, 70),
    length=st.integers(1, 12),
    start=st.floats(0, 0.3),
    least=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_spans_are_whole_within_the_real_positions_and_leave_some_to_hear(
    n: int, length: int, start: float, least: int, seed: int
) -> None:
    config = SpanMaskConfig(start, length, least)
    mask = span_mask(torch.tensor([n, 70]), 75, config, generator=drawn(seed))
    assert not mask[0, n:].any()
    assert n == 0 or not mask[0, :n].all()
    own = min(length, max(n // 2, 1))
    assert all(width >= own for width in runs(mask[0]))
    if n >= 2 and least:
        hidden = min(least, (n - 1) // own)  # spans, which may lie over each other
        assert mask[0].sum() >= own + hidden - 1
    counted = int(start * n) + 1
    assert mask[0].sum() <= own * max(counted, least)


def test_the_number_of_starts_has_the_wanted_mean() -> None:
    config = SpanMaskConfig(start_probability=0.05, length=1, least_spans=0)
    masks = span_mask(torch.full((4_000,), 50), 50, config, generator=drawn())
    assert set(masks.sum(1).tolist()) == {2, 3}
    assert masks.sum(1).float().mean() == pytest.approx(2.5, abs=0.03)
    assert masks.float().mean(0).std() < 0.006  # every place alike


def test_at_least_the_wanted_spans() -> None:
    config = SpanMaskConfig(start_probability=0.0, length=3, least_spans=2)
    masks = span_mask(torch.full((300,), 20), 20, config, generator=drawn())
    assert masks.sum(1).min() == 4  # two spans that start next to each other
    assert masks.sum(1).max() == 6


def test_the_same_generator_gives_the_same_mask() -> None:
    lengths = torch.tensor([9, 40, 33])
    one, two = (span_mask(lengths, 40, generator=drawn(3)) for _ in range(2))
    assert torch.equal(one, two)
    torch.manual_seed(5)
    one = span_mask(lengths, 40)
    torch.manual_seed(5)
    assert torch.equal(one, span_mask(lengths, 40))


@pytest.mark.parametrize("wrong", [{"start_probability": 1.5}, {"length": 0}, {"least_spans": -1}])
def test_impossible_spans_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError, match="wav2vec 2.0 has 0.065, 10 and 2"):
        SpanMaskConfig(**wrong)
