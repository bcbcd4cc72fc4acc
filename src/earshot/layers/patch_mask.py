"""Which patches of a spectrogram are hidden: anywhere, or in squares; always the exact count."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


def n_to_mask(n_real: Tensor, share: float) -> Tensor:
    """How many of n_real [...] tokens a share is: rounded, and at least one stays and one goes.

    Of a single token none goes. Raises EarShotError for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise EarShotError(
            got=f"a mask share of {share:g}",
            expected="a share between 0 and 1",
            mend="SSAST hides 400 of 512 patches, 0.78; BEATs 0.75.",
        )
    wanted = (n_real * share).round().long()
    return torch.minimum(wanted.clamp(min=1), n_real - 1).clamp(min=0)


def random_mask(real: Tensor, share: float, *, generator: torch.Generator | None = None) -> Tensor:
    """True where hidden: `share` of each clip's real tokens, every choice of them as likely.

    real [batch, tokens], bool -> the same shape. Draws from `generator`, else from torch's own.
    """
    check_shape("real", real, ("batch", "tokens"), mend="Flatten the patches of each clip.")
    order = _uniform(real.shape, generator, real.device)
    return _first(order.masked_fill(~real, torch.inf), n_to_mask(real.sum(1), share))


def cluster_mask(
    n_columns: Tensor,
    grid: tuple[int, int],
    share: float,
    *,
    sides: tuple[int, ...] = (3, 4, 5),
    generator: torch.Generator | None = None,
) -> Tensor:
    """True where hidden: `share` of each clip's patches, in squares that may overlap.

    n_columns [batch]: the real columns of each clip, of a `grid` of (rows, columns) -> [batch,
    rows, columns]. Each clip draws the side of its squares from `sides`, and squares anywhere,
    also over the edges, so that every patch is hidden as often; of the last square only as many
    patches are hidden, at random, as are wanting. Source: arXiv:2110.09784, Algorithm 1.
    Differs: no square wraps round an edge, and no patch is left out. See `released_mask`.
    """
    check_shape("n_columns", n_columns, ("batch",), mend="Give the real columns of each clip.")
    rows, columns = grid
    if not sides or min(sides) < 1:
        raise EarShotError(
            got=f"squares of sides {sides}", expected="sides of at least 1", mend="Use (3, 4, 5)."
        )
    batch, device = len(n_columns), n_columns.device
    drawn = _uniform((batch, 1), generator, device)
    side = torch.tensor(sides, device=device)[(drawn * len(sides)).long()]  # [batch, 1]
    column = torch.arange(columns, device=device)
    real = (column < n_columns[:, None])[:, None].expand(batch, rows, columns)
    n_masked = n_to_mask(real.sum((1, 2)), share)
    n_squares = rows * columns
    turn = torch.arange(n_squares, device=device)[None, :, None, None]
    arrived = torch.full((batch, rows, columns), torch.inf, device=device)
    begun = 0
    while bool(((arrived < torch.inf) & real).sum((1, 2)).lt(n_masked).any()):
        top = _corners(rows, side, n_squares, generator)  # [batch, squares]
        left = _corners(n_columns[:, None], side, n_squares, generator)
        in_rows = _inside(torch.arange(rows, device=device), top, side)  # [batch, squares, rows]
        in_columns = _inside(column, left, side)
        covered = in_rows[..., None] & in_columns[:, :, None]  # [batch, squares, rows, columns]
        first = torch.where(covered, turn + begun, torch.inf).amin(1)
        arrived, begun = torch.minimum(arrived, first), begun + n_squares
    order = arrived + _uniform(arrived.shape, generator, device) * 0.99  # ties fall at random
    order = order.masked_fill(~real, torch.inf)
    return _first(order.flatten(1), n_masked).view(batch, rows, columns)


def released_mask(
    grid: tuple[int, int], n_masked: int, *, draw: random.Random, n_sides: int = 3
) -> Tensor:
    """Ids [n_masked] of the patches that SSAST's released code hides, with its three faults.

    For comparisons alone: patch 0 is never hidden; a square that meets the end of a row goes on at
    the beginning of the next; what is too much is cut from the end of the ascending ids, so the
    highest bands are hidden too seldom. The squares' side is 3 to 2 + `n_sides`, once a clip.
    """
    rows, columns = grid
    n_tokens = rows * columns
    if not 0 < n_masked < n_tokens - 1:
        raise EarShotError(
            got=f"{n_masked} of {n_tokens} patches to hide",
            expected=f"1 to {n_tokens - 2}, as patch 0 is never hidden",
            mend="Hide fewer.",
        )
    side, hidden = draw.randrange(n_sides) + 3, set[int]()
    while len(hidden) <= n_masked:
        start = draw.randrange(n_tokens)
        square = {start + columns * i + j for i in range(side) for j in range(side)}
        hidden |= {each for each in square if 0 < each < n_tokens}
    return torch.tensor(sorted(hidden)[:n_masked])


def _corners(size: int | Tensor, side: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    """[batch, n] first rows or columns of squares that touch 0 to size - 1, each as likely."""
    places = size + side - 1  # [batch, 1]
    drawn = _uniform((len(side), n), generator, side.device)
    return torch.minimum((drawn * places).long(), places - 1) - side + 1


def _inside(place: Tensor, begin: Tensor, side: Tensor) -> Tensor:
    """True where place [size] lies in a square of that begin [batch, n]: [batch, n, size]."""
    after = place - begin[..., None]
    return (after >= 0) & (after < side[..., None])


def _first(order: Tensor, n: Tensor) -> Tensor:
    """True for the n [batch] smallest of each row of order [batch, tokens]."""
    rank = order.argsort(1).argsort(1)
    return rank < n[:, None]


def _uniform(
    shape: torch.Size | tuple[int, ...], generator: torch.Generator | None, device: torch.device
) -> Tensor:
    """Numbers from 0 to 1, drawn on the CPU, so that they are the same on every device."""
    return torch.rand(shape, generator=generator).to(device)
