"""Fewer positions by a convolution, then Conformer layers: what a frozen encoder says, retold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.pooling import padding_of


@dataclass(frozen=True)
class PostEncoderConfig:
    """Sizes of a PostEncoder; the defaults are those of arXiv:2309.17352, 26.0 M parameters."""

    dim: int = 768
    stride: int = 3  # positions that become one
    kernel: int = 4  # positions of the convolution: round(1.5 * 3), where Python rounds 4.5 down
    depth: int = 2
    n_heads: int = 12
    mlp_dim: int = 1_536
    depthwise_kernel: int = 31
    dropout: float = 0.1

    def __post_init__(self) -> None:
        wrong = self.dim % self.n_heads or self.dim % 16 or self.depthwise_kernel % 2 == 0
        if wrong or self.stride < 1 or self.kernel < self.stride or self.depth < 1:
            raise EarShotError(
                got=f"dim={self.dim}, n_heads={self.n_heads}, stride={self.stride}, "
                f"kernel={self.kernel}, depth={self.depth}, "
                f"depthwise_kernel={self.depthwise_kernel}",
                expected="a dim that the heads and 16 share evenly, an odd depthwise_kernel, a "
                "kernel of at least the stride, and at least 1 of each",
                mend="The paper has 768, 12, 3, 4, 2 and 31.",
            )

    def library_config(self) -> Any:
        """The Conformer in transformers' words."""
        from transformers import Wav2Vec2ConformerConfig

        return Wav2Vec2ConformerConfig(
            hidden_size=self.dim,
            num_hidden_layers=self.depth,
            num_attention_heads=self.n_heads,
            intermediate_size=self.mlp_dim,
            conv_depthwise_kernel_size=self.depthwise_kernel,
            position_embeddings_type="relative",
            max_source_positions=1_536,
            hidden_act="swish",
            hidden_dropout=self.dropout,
            activation_dropout=self.dropout,
            attention_dropout=self.dropout,
            conformer_conv_dropout=self.dropout,
            layerdrop=0.0,
            attn_implementation="eager",  # what masks are made for; a bare encoder picks none
        )


class PostEncoder(nn.Module):
    """A strided convolution over positions, then `transformers`' Wav2Vec2ConformerEncoder.

    Names are those of the released checkpoint. Differs: padding is kept out of the convolutions,
    so that neither it nor batch-mates change a row in evaluation; in training batch normalisation
    counts the padded positions as zeros. Of the library's encoder `pos_conv_embed` (4.7 M weights
    at the published size) is there and never used, as in the released model.
    Source: arXiv:2309.17352, section 2; arXiv:2005.08100.
    """

    def __init__(self, n_inputs: int, config: PostEncoderConfig) -> None:
        super().__init__()
        from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
            Wav2Vec2ConformerEncoder,
        )

        self.config = config
        self.downsample_conv = nn.Conv1d(n_inputs, config.dim, config.kernel, config.stride)
        self.postencoder = Wav2Vec2ConformerEncoder(config.library_config())
        self._padding: Tensor | None = None  # of the batch under way
        for layer in self.postencoder.layers:
            layer.conv_module.depthwise_conv.register_forward_pre_hook(self._silence_padding)

    def forward(self, hidden: Tensor, n_positions: Tensor) -> tuple[Tensor, Tensor]:
        """hidden [batch, positions, n_inputs] -> [batch, fewer, dim] and their real numbers.

        A position comes of whole windows of real ones; of fewer than a window, of one filled with
        zeros.
        """
        config = self.config
        real = hidden.masked_fill(padding_of(n_positions, hidden.shape[1])[..., None], 0.0)
        missing = max(0, config.kernel - hidden.shape[1])
        fewer = self.downsample_conv(F.pad(real.transpose(1, 2), (0, missing))).transpose(1, 2)
        n_fewer = ((n_positions - config.kernel) // config.stride + 1).clamp(min=1)
        padding = padding_of(n_fewer, fewer.shape[1])
        self._padding = padding
        try:
            out = self.postencoder(fewer.masked_fill(padding[..., None], 0.0), ~padding)
        finally:
            self._padding = None
        return out.last_hidden_state, n_fewer

    def _silence_padding(self, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The input [batch, dim, positions] of a depthwise convolution without its padding."""
        assert self._padding is not None
        return (given[0].masked_fill(self._padding[:, None], 0.0), *given[1:])
