"""Pre-norm transformer blocks whose real positions never see the padded ones."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError


class Block(nn.Module):
    """Self-attention, then a feed-forward layer, each added to what came in.

    Source: arXiv:2002.04745 (normalise before each part).
    """

    def __init__(self, dim: int, n_heads: int, *, mlp_ratio: float = 4.0, dropout: float = 0.0):
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        inner = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(dim, inner), nn.GELU(), nn.Linear(inner, dim))

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        """hidden [batch, positions, dim]; seen [batch, 1, 1, positions], True where real."""
        batch, positions, dim = hidden.shape
        qkv = self.qkv(self.norm1(hidden)).view(batch, positions, 3, self.n_heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, positions, head_dim]
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, dropout_p=self.dropout if self.training else 0.0
        )
        attended = attended.transpose(1, 2).reshape(batch, positions, dim)
        hidden = hidden + F.dropout(self.out(attended), self.dropout, self.training)
        return hidden + F.dropout(self.mlp(self.norm2(hidden)), self.dropout, self.training)


class Transformer(nn.Module):
    """A stack of blocks with a final norm."""

    def __init__(
        self, dim: int, depth: int, n_heads: int, *, mlp_ratio: float = 4.0, dropout: float = 0.0
    ):
        super().__init__()
        if dim % n_heads:
            raise EarShotError(
                got=f"dim={dim} with n_heads={n_heads}",
                expected="a dim that the heads share evenly",
                mend="Pick n_heads among the divisors of dim.",
            )
        self.blocks = nn.ModuleList(
            Block(dim, n_heads, mlp_ratio=mlp_ratio, dropout=dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, positions, dim], padding [batch, positions], True where padded."""
        seen = ~padding[:, None, None, :]  # [batch, 1, 1, positions]
        for block in self.blocks:
            hidden = block(hidden, seen)
        return self.norm(hidden)  # [batch, positions, dim]
