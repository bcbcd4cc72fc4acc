"""A transformer that normalises after each sum, as vision transformers of data2vec 2.0 do."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError

EPSILON = 1e-6  # of the released models' layer norms


@dataclass(frozen=True)
class PostNormConfig:
    """Sizes; the defaults are EAT-base's, 85.1 M weights."""

    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    mlp_dim: int = 3_072

    def __post_init__(self) -> None:
        if self.dim % self.n_heads or min(self.dim, self.depth, self.n_heads, self.mlp_dim) < 1:
            raise EarShotError(
                got=f"dim={self.dim}, depth={self.depth}, n_heads={self.n_heads}",
                expected="heads that share dim evenly, all at least 1",
                mend="EAT-base has 768, 12 and 12.",
            )


class PostNormBlock(nn.Module):
    """x = norm1(x + attention(x)); x = norm2(x + mlp(x)). Names are those of released files."""

    def __init__(self, config: PostNormConfig) -> None:
        super().__init__()
        dim = config.dim
        self.n_heads = config.n_heads
        self.norm1, self.norm2 = nn.LayerNorm(dim, EPSILON), nn.LayerNorm(dim, EPSILON)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(dim, 3 * dim), "proj": nn.Linear(dim, dim)})
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(dim, config.mlp_dim), "fc2": nn.Linear(config.mlp_dim, dim)}
        )

    def forward(self, hidden: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The block's output [batch, positions, dim], and what its MLP added to the sum.

        padding [batch, positions]: True where nothing attends to.
        """
        qkv = self.attn["qkv"](hidden).unflatten(-1, (3, self.n_heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, positions, head dim]
        mask = None if padding is None else ~padding[:, None, None]
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = self.attn["proj"](attended.transpose(1, 2).flatten(2))
        hidden = self.norm1(hidden + attended)
        added = self.mlp["fc2"](F.gelu(self.mlp["fc1"](hidden)))
        return self.norm2(hidden + added), added
