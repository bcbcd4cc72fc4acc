"""From one embedding to the vectors that a language model reads before its first word."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.transformer import Transformer


@dataclass(frozen=True)
class PrefixMapperConfig:
    """How one embedding becomes `n_vectors`."""

    n_vectors: int = 10
    hidden: int = 0  # of a layer in between; 0: a linear map
    depth: int = 2  # transformer blocks over the vectors; 0: none
    n_heads: int = 8

    def __post_init__(self) -> None:
        if self.n_vectors < 1 or min(self.hidden, self.depth) < 0:
            raise EarShotError(
                got=f"n_vectors={self.n_vectors}, hidden={self.hidden}, depth={self.depth}",
                expected="at least one vector, and sizes of 0 or more",
                mend="Change that field.",
            )


class PrefixMapper(nn.Module):
    """A linear map or one with a hidden layer, then transformer blocks where asked for.

    Source: ClipCap, arXiv:2111.09734, section 3.2.
    """

    def __init__(self, in_dim: int, dim: int, config: PrefixMapperConfig) -> None:
        super().__init__()
        self.n_vectors, self.dim = config.n_vectors, dim
        wide = config.n_vectors * dim
        self.lift: nn.Module = nn.Linear(in_dim, wide)
        if config.hidden:
            self.lift = nn.Sequential(
                nn.Linear(in_dim, config.hidden), nn.Tanh(), nn.Linear(config.hidden, wide)
            )
        self.mix = Transformer(dim, config.depth, config.n_heads) if config.depth else None

    def forward(self, embedding: Tensor) -> Tensor:
        """embedding [batch, in_dim] -> [batch, n_vectors, dim]."""
        vectors = self.lift(embedding).view(len(embedding), self.n_vectors, self.dim)
        if self.mix is None:
            return vectors
        padding = torch.zeros(vectors.shape[:2], dtype=torch.bool, device=vectors.device)
        return self.mix(vectors, padding)
