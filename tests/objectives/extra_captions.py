"""Clips with captions beside their first, for tests of losses over them."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def unit_rows(n: int, dim: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def drawn(seed: int, n: int = 5, dim: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Clips, captions, extra captions, their owners in any order, and which are true."""
    draw = np.random.default_rng(seed)
    owner = torch.from_numpy(draw.integers(0, n, int(draw.integers(0, 12))))
    positive = torch.from_numpy(draw.random(len(owner)) < 0.5)
    audio, text = unit_rows(n, dim, seed), unit_rows(n, dim, seed + 1)
    return audio, text, unit_rows(len(owner), dim, seed + 2), owner, positive
