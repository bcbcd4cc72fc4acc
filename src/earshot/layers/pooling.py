"""Many positions to one: the padded ones count for nothing."""

from __future__ import annotations

import torch
from torch import Tensor


def padding_of(n_real: Tensor, n_positions: int) -> Tensor:
    """True where padded, [batch, n_positions], for rows of n_real [batch] real positions."""
    return torch.arange(n_positions, device=n_real.device)[None] >= n_real[:, None]


def mean_of_real(hidden: Tensor, padding: Tensor) -> Tensor:
    """The mean [batch, dim] of hidden [batch, positions, dim] where padding is False."""
    total = hidden.masked_fill(padding[..., None], 0.0).sum(1)
    return total / (~padding).sum(1, keepdim=True).clamp(min=1)
