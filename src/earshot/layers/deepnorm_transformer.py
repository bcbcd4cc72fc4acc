"""A post-norm transformer that stays trainable when deep, with gated relative positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.gated_relative_attention import GatedRelativeAttention
from earshot.layers.positional_conv import positional_conv


@dataclass(frozen=True)
class DeepNormConfig:
    """Sizes of the transformer; the defaults are those of the released BEATs."""

    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    mlp_dim: int = 3_072
    conv_width: int = 128  # positions that the positional convolution spans
    conv_groups: int = 16
    n_buckets: int = 320
    max_distance: int = 800  # positions
    deep_norm: bool = True  # else alpha = beta = 1
    dropout: float = 0.1
    attention_dropout: float = 0.1
    layer_drop: float = 0.05  # share of layers skipped at a training step
    gradient_decay: float = 1.0  # gradients times this at each layer's input: 0.6 to fine-tune

    def __post_init__(self) -> None:
        sizes = (self.dim, self.depth, self.n_heads, self.mlp_dim, self.conv_width)
        if min(*sizes, self.conv_groups) < 1 or self.dim % self.conv_groups:
            raise EarShotError(
                got=f"dim={self.dim}, depth={self.depth}, mlp_dim={self.mlp_dim}, "
                f"conv_width={self.conv_width}, conv_groups={self.conv_groups}",
                expected="counts of at least 1, and a dim that conv_groups share evenly",
                mend="Pick conv_groups among the divisors of dim.",
            )


class DeepNormLayer(nn.Module):
    """`x = LN(alpha x + attention(x))`, then the same with a feed-forward layer."""

    def __init__(self, config: DeepNormConfig, *, has_table: bool = True) -> None:
        super().__init__()
        self.alpha = (2.0 * config.depth) ** 0.25 if config.deep_norm else 1.0
        self.dropout = config.dropout
        self.self_attn = GatedRelativeAttention(
            config.dim,
            config.n_heads,
            n_buckets=config.n_buckets,
            max_distance=config.max_distance,
            dropout=config.attention_dropout,
            has_table=has_table,
        )
        self.self_attn_layer_norm = nn.LayerNorm(config.dim)
        self.fc1 = nn.Linear(config.dim, config.mlp_dim)
        self.fc2 = nn.Linear(config.mlp_dim, config.dim)
        self.final_layer_norm = nn.LayerNorm(config.dim)

    def forward(self, hidden: Tensor, bias: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, positions, dim]; bias as the attention has it; padding."""
        attended = F.dropout(self.self_attn(hidden, bias, padding), self.dropout, self.training)
        hidden = self.self_attn_layer_norm(hidden * self.alpha + attended)
        fed = F.dropout(self.fc2(F.gelu(self.fc1(hidden))), self.dropout, self.training)
        return self.final_layer_norm(hidden * self.alpha + fed)


class DeepNormTransformer(nn.Module):
    """Positional convolution, norm, then layers; the first one's table of distances is for all.

    alpha = (2 depth)^(1/4); the value, output and feed-forward weights start Xavier-normal times
    (8 depth)^(-1/4), query and key weights without. Names are those of the released BEATs,
    which repeat that one table under the name of every layer.
    Source: arXiv:2203.00555 (DeepNorm); arXiv:2212.09058, section 3.1 and code.
    """

    def __init__(self, config: DeepNormConfig) -> None:
        super().__init__()
        self.config, self.dim = config, config.dim
        self.pos_conv = positional_conv(config.dim, config.conv_width, config.conv_groups)
        self.layer_norm = nn.LayerNorm(config.dim)
        self.layers = nn.ModuleList(
            DeepNormLayer(config, has_table=number == 0) for number in range(config.depth)
        )
        self._start()

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, positions, dim], padding [batch, positions] -> the last layer's."""
        return self.states(self.place(hidden, padding), padding)[-1]

    def place(self, hidden: Tensor, absent: Tensor) -> Tensor:
        """`hidden` with what the convolution says of each place; `absent` positions count as 0."""
        hidden = hidden.masked_fill(absent[..., None], 0.0)
        return hidden + self.pos_conv(hidden.transpose(1, 2)).transpose(1, 2)

    def states(
        self, placed: Tensor, padding: Tensor, positions: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """What goes into the first layer and what comes out of each, [batch, positions, dim].

        `positions` [batch, positions] are where these stand, one after another if left out: some of
        a sequence may be given alone and keep their distances.
        """
        config = self.config
        if positions is None:
            positions = torch.arange(placed.shape[1], device=placed.device)[None]  # [1, positions]
        bias = self.layers[0].self_attn.position_bias(positions)
        hidden = F.dropout(self.layer_norm(placed), config.dropout, self.training)
        states = [hidden]
        for layer in self.layers:
            if self.training and config.gradient_decay != 1.0:
                kept = config.gradient_decay
                hidden = kept * hidden + (1.0 - kept) * hidden.detach()
            skipped = self.training and config.layer_drop > float(torch.rand(()))
            hidden = hidden if skipped else layer(hidden, bias, padding)
            states.append(hidden)
        return tuple(states)

    def _start(self) -> None:
        """Draw the weights as the released code does."""
        beta = (8.0 * self.config.depth) ** -0.25 if self.config.deep_norm else 1.0
        for layer in self.layers:
            attention = layer.self_attn
            gains = {attention.q_proj: 1.0, attention.k_proj: 1.0, attention.v_proj: beta}
            gains |= {attention.out_proj: beta, layer.fc1: beta, layer.fc2: beta}
            for linear, gain in gains.items():
                nn.init.xavier_normal_(linear.weight, gain=gain)
                nn.init.zeros_(linear.bias)
            nn.init.normal_(attention.grep_linear.weight, 0.0, 0.02)
            nn.init.zeros_(attention.grep_linear.bias)
        nn.init.normal_(self.layers[0].self_attn.relative_attention_bias.weight, 0.0, 0.02)
