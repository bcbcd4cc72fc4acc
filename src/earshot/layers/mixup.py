"""Mixup of neighbours: two clips of a batch become one, and so do their targets."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_mixing(batch: int, alpha: float, device: torch.device | str = "cpu") -> Tensor:
    """Shares [batch], by Beta(alpha, alpha): those of clips 2i and 2i + 1 sum to 1.

    Drawn from torch's own generator. Source: arXiv:1710.09412, Eq. 2.
    """
    concentration = torch.full((batch // 2,), float(alpha))
    share = torch.distributions.Beta(concentration, concentration).sample()
    return torch.stack([share, 1.0 - share], dim=1).flatten().to(device)


def mix_pairs(values: Tensor, shares: Tensor) -> Tensor:
    """Rows 2i and 2i + 1 of values [batch, ...], each times its share, summed: [batch / 2, ...]."""
    weighed = values * shares.view(-1, *[1] * (values.dim() - 1))
    return weighed[0::2] + weighed[1::2]
