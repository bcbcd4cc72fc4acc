"""Where a position is: fixed sinusoids, so that any length can be read."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sinusoids(n_positions: int, dim: int) -> Tensor:
    """Float32 [n_positions, dim]: sines in the first half of dim, cosines in the second.

    Source: arXiv:1706.03762, section 3.5, with the two kinds side by side rather than interleaved.
    """
    n_waves = (dim + 1) // 2
    rates = torch.exp(torch.arange(n_waves) * (-math.log(10_000.0) / max(n_waves - 1, 1)))
    angles = torch.arange(n_positions)[:, None] * rates[None]  # [positions, waves]
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :dim]
