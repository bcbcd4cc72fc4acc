"""Fixed places on a grid of time and band: half of a vector for either."""

from __future__ import annotations

import torch
from torch import Tensor


def grid_positions(n_times: int, n_bands: int, dim: int) -> Tensor:
    """[n_times * n_bands, dim], time after time: sines and cosines of the band, then of the time.

    `dim` is a multiple of 4. Source: arXiv:2111.06377, whose first half is of the width, which is
    the band where spectrograms stand upright.
    """
    times = torch.arange(n_times, dtype=torch.float64).repeat_interleave(n_bands)
    bands = torch.arange(n_bands, dtype=torch.float64).repeat(n_times)
    return torch.cat([_waves(bands, dim // 2), _waves(times, dim // 2)], dim=1).float()


def _waves(places: Tensor, dim: int) -> Tensor:
    """Sines, then cosines, of places [n] -> [n, dim]."""
    rates = 10_000.0 ** -(torch.arange(dim // 2, dtype=torch.float64) / (dim / 2))
    angles = places[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
