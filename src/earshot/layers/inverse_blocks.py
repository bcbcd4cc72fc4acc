"""Masks that are drawn the other way round: squares of a grid are kept, all else is hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.layers.patch_mask import n_to_mask


def inverse_block_mask(
    n: int,
    grid: tuple[int, int],
    share: float = 0.8,
    *,
    side: int = 5,
    adjust: float = 0.07,
    generator: torch.Generator | None = None,
) -> Tensor:
    """True where hidden, [n, times * bands], time after time: exactly `share` of every row.

    Squares of `side` patches are kept whose centres are drawn evenly over a grid of (times, bands),
    as many as would cover the share that is kept plus `adjust`, if they neither met nor hung over
    the edges; what is too much is hidden again, and what is missing kept, at random. Draws from
    `generator`, else from torch's own. Source: data2vec 2.0, arXiv:2212.07525, section 3.3;
    EAT, arXiv:2401.03497, section 3.2. Differs: as many squares in every row, where the code draws
    over a batch.
    """
    times, bands = grid
    if side < 1 or min(grid) < 1 or not 0 <= adjust < 1:
        raise EarShotError(
            got=f"squares of side {side} on {times} x {bands} patches, adjust={adjust:g}",
            expected="a side of at least 1, a grid with patches, adjust from 0 to below 1",
            mend="EAT has 5, 64 x 8 and 0.07.",
        )
    n_hidden = int(n_to_mask(torch.tensor(times * bands), share))
    n_kept = times * bands - n_hidden
    n_squares = max(1, round((1 - share + adjust) * times * bands / side**2))
    drawn = torch.rand(3, n, max(n_squares, times * bands), generator=generator)
    centre_time = (drawn[0, :, :n_squares] * times).long()[..., None]  # [n, squares, 1]
    centre_band = (drawn[1, :, :n_squares] * bands).long()[..., None]
    below = (side - 1) // 2
    in_time = _within(torch.arange(times), centre_time - below, side)  # [n, squares, times]
    in_band = _within(torch.arange(bands), centre_band - below, side)
    inside = (in_time[..., None] & in_band[:, :, None]).any(1).flatten(1)  # [n, patches]
    order = drawn[2, :, : times * bands] - inside.float()  # those inside come first
    return order.argsort(1).argsort(1) >= n_kept


def _within(place: Tensor, begin: Tensor, side: int) -> Tensor:
    """True where place [size] lies in squares that begin at begin [n, squares, 1]."""
    return (place >= begin) & (place < begin + side)
