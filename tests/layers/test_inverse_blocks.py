import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.inverse_blocks import inverse_block_mask


@given(
    st.integers(2, 20), st.integers(1, 8), st.floats(0.1, 0.9), st.integers(1, 6),
    st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, derandomize=True, max_examples=40)
def test_every_row_hides_its_exact_share(times, bands, share, side, seed) -> None:
    draw = torch.Generator().manual_seed(seed)
    mask = inverse_block_mask(5, (times, bands), share, side=side, generator=draw)
    n = times * bands
    wanted = min(max(round(n * share), 1), n - 1)
    assert mask.shape == (5, n)
    assert (mask.sum(1) - wanted).abs().max() <= 1  # halves are rounded as torch does
    assert len(set(mask.sum(1).tolist())) == 1
    again = torch.Generator().manual_seed(seed)
    assert torch.equal(
        mask, inverse_block_mask(5, (times, bands), share, side=side, generator=again)
    )


def kept_neighbours(mask: torch.Tensor, grid: tuple[int, int]) -> float:
    """Of the patches that are kept, the mean share of neighbours in time that are kept too."""
    kept = ~mask.unflatten(1, grid)
    both = (kept[:, 1:] & kept[:, :-1]).sum()
    return float(both / kept[:, 1:].sum())


def test_what_is_kept_lies_in_squares() -> None:
    grid, draw = (64, 8), torch.Generator().manual_seed(0)
    mask = inverse_block_mask(300, grid, 0.8, generator=draw)
    scattered = inverse_block_mask(300, grid, 0.8, side=1, generator=draw)
    assert kept_neighbours(mask, grid) > 0.7  # 4 of 5 in a square of 5
    assert abs(kept_neighbours(scattered, grid) - 0.2) < 0.02  # as by chance
    seen = (~mask).float().mean(0).unflatten(0, grid)
    assert float(seen[8:-8].min()) > 0.1  # no place is left out
    assert float(seen.max()) < 0.4


def test_squares_of_no_size_are_a_sentence() -> None:
    with pytest.raises(EarShotError, match="side 0"):
        inverse_block_mask(1, (8, 8), side=0)
