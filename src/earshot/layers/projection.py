"""From a tower's width to the shared space: the two projections of CLAP."""

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
