"""From a tower's width to the shared space: the two projections of CLAP, and VATT's."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class MlpProjection(nn.Module):
    """LAION's: Linear, ReLU, Linear. Parameter names are those of `transformers`.

    Source: arXiv:2211.06687, section 3.1.
    """

    def __init__(self, in_dim: int, dim: int = 512):
        super().__init__()
        self.dim = dim
        self.linear1, self.linear2 = nn.Linear(in_dim, dim), nn.Linear(dim, dim)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [batch, in_dim] -> [batch, dim], not normalised."""
        return self.linear2(F.relu(self.linear1(hidden)))


class ResidualProjection(nn.Module):
    """Microsoft's: e = LayerNorm(e1 + Dropout(W2 GELU(e1))), e1 = W1 x; no biases.

    Source: arXiv:2206.04769, Eq. 2, as the released weights have it.
    """

    def __init__(self, in_dim: int, dim: int = 1024, *, dropout: float = 0.5):
        super().__init__()
        self.dim = dim
        self.linear1 = nn.Linear(in_dim, dim, bias=False)
        self.linear2 = nn.Linear(dim, dim, bias=False)
        self.layer_norm = nn.LayerNorm(dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [batch, in_dim] -> [batch, dim], not normalised."""
        first = self.linear1(hidden)  # [batch, dim]
        return self.layer_norm(first + self.drop(self.linear2(F.gelu(first))))


class FineToCoarse(nn.Module):
    """VATT's: from a fine space, shared with sound, to a coarse one, shared with text.

    Source: arXiv:2104.11178, 3.4, as its code has it. Differs: LayerNorm in the place of BatchNorm,
    so that a clip's gradient is its own.
    """

    def __init__(self, in_dim: int, dim: int = 256, fine_dim: int | None = None):
        super().__init__()
        self.dim, self.fine_dim = dim, fine_dim or 2 * dim
        self.fine = nn.Sequential(
            nn.Linear(in_dim, self.fine_dim, bias=False),
            nn.LayerNorm(self.fine_dim),
            nn.ReLU(),
            nn.Linear(self.fine_dim, self.fine_dim),
            nn.LayerNorm(self.fine_dim),
        )
        self.coarse = nn.Sequential(nn.ReLU(), nn.Linear(self.fine_dim, dim), nn.LayerNorm(dim))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [batch, in_dim] -> [batch, dim] in the coarse space, not normalised."""
        return self.coarse(self.fine(hidden))
