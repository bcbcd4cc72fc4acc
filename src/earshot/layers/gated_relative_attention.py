"""Self-attention that knows how far apart positions lie, as far as the query wants to know."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError


class GatedRelativeAttention(nn.Module):
    """Multi-head attention whose logits get a gated bias by relative position.

    The bias comes from a table over buckets of distances, one number a head, which the first of
    several layers has for all of them (`has_table`). Each query opens or closes it for itself,
    from its own (unscaled) vector: `(a, b) = sigmoid(sums of fours of grep_linear(q))`, and the
    bias counts `a (b w - 1) + 2` times, with `w = grep_a` learnt for each head.
    Source: arXiv:2110.13900, section 3.1; arXiv:2212.09058, its code: names are the released ones.
    """

    def __init__(
        self,
        dim: int,
        n_heads: int,
        *,
        n_buckets: int = 320,
        max_distance: int = 800,  # farther positions share the last bucket
        dropout: float = 0.0,  # of attention weights
        has_table: bool = True,
    ) -> None:
        super().__init__()
        if dim % n_heads or n_buckets % 4:
            raise EarShotError(
                got=f"dim={dim} with n_heads={n_heads} and n_buckets={n_buckets}",
                expected="a dim that the heads share evenly, and buckets in fours",
                mend="Pick n_heads among the divisors of dim.",
            )
        self.n_heads, self.dropout = n_heads, dropout
        self.n_buckets, self.max_distance = n_buckets, max_distance
        self.q_proj, self.k_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.v_proj, self.out_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.grep_linear = nn.Linear(dim // n_heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, n_heads, 1, 1))
        self.relative_attention_bias = nn.Embedding(n_buckets, n_heads) if has_table else None

    def forward(self, hidden: Tensor, bias: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, positions, dim], bias of `position_bias`, padding [batch, positions]."""
        batch, positions, dim = hidden.shape
        query, key, value = (
            projected(hidden).view(batch, positions, self.n_heads, -1).transpose(1, 2)
            for projected in (self.q_proj, self.k_proj, self.v_proj)
        )  # each [batch, heads, positions, head_dim]
        gated = self.gate(query) * bias.to(query.dtype)  # [batch, heads, positions, positions]
        gated = gated.masked_fill(padding[:, None, None, :], float("-inf"))
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=gated, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out_proj(attended.transpose(1, 2).reshape(batch, positions, dim))

    def gate(self, query: Tensor) -> Tensor:
        """How often the bias counts, [batch, heads, positions, 1], for such queries."""
        fours = self.grep_linear(query).unflatten(-1, (2, 4)).sum(-1)
        a, b = fours.sigmoid().chunk(2, dim=-1)
        return a * (b * self.grep_a - 1.0) + 2.0

    def position_bias(self, positions: Tensor) -> Tensor:
        """The ungated bias [batch, heads, queries, keys] of positions [batch, n], whole numbers."""
        assert self.relative_attention_bias is not None
        distance = positions[:, None, :] - positions[:, :, None]  # key minus query
        buckets = distance_buckets(distance, self.n_buckets, self.max_distance)
        return self.relative_attention_bias(buckets).permute(0, 3, 1, 2)


def distance_buckets(distance: Tensor, n_buckets: int, max_distance: int) -> Tensor:
    """The bucket of each distance, int64: half of them for each sign.

    Of a half, the first half is for one distance each, the rest grows with its logarithm up to
    `max_distance`. Source: arXiv:1910.10683, its code.
    """
    half = n_buckets // 2
    exact = half // 2
    size = distance.abs()
    growth = torch.log(size.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = (exact + (growth * (half - exact)).long()).clamp(max=half - 1)
    return (distance > 0).long() * half + torch.where(size < exact, size, far)
