"""Views of a series that nobody learns: jitter and scaling, a crop, a random mask."""

from __future__ import annotations

import torch
from torch import Tensor


def jitter_and_scale(series: Tensor, *, jitter: float = 0.3, scaling: float = 0.5) -> Tensor:
    """series [batch, steps, channels] times a factor a channel, plus noise at every step.

    Factors are normal about 1 with deviation `scaling`, noise about 0 with deviation `jitter`.
    """
    factors = 1 + scaling * torch.randn_like(series[:, :1])
    return series * factors + jitter * torch.randn_like(series)


def crop_to_zero(series: Tensor, n_steps: Tensor, *, kept: float = 0.5) -> Tensor:
    """series with all but one stretch, a share `kept` of its n_steps [batch], set to 0."""
    length = (n_steps * kept).ceil().long()
    begin = (torch.rand(len(series), device=series.device) * (n_steps - length + 1)).long()
    place = torch.arange(series.shape[1], device=series.device)
    inside = (place >= begin[:, None]) & (place < (begin + length)[:, None])  # [batch, steps]
    return series * inside[..., None]


def random_mask(series: Tensor, *, kept: float = 0.5) -> Tensor:
    """series [batch, steps, channels] with every value set to 0 by the chance 1 - kept."""
    return series * (torch.rand_like(series) < kept)
