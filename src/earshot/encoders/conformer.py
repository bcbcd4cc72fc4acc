"""Conformer blocks over stacked or convolved frames: the encoder of w2v-BERT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.features.kaldi import stack_frames
from earshot.layers.conv_subsampling import ConvSubsampling
from earshot.layers.pooling import mean_of_real, padding_of


@dataclass(frozen=True)
class ConformerConfig:
    """Sizes of the encoder; the defaults are those of w2v-BERT 2.0, 580 M parameters."""

    n_mels: int = 80
    subsampling: Literal["stack", "conv"] = "stack"
    n_stacked: int = 2  # frames that are joined to one position; "conv" has 4 to one
    conv_dim: int = 32  # channels of "conv"
    dim: int = 1_024
    depth: int = 24
    n_heads: int = 16
    inner_dim: int = 4_096  # of the feed-forward halves
    kernel: int = 31  # of the depthwise convolution, which looks back only
    left: int = 64  # positions that attention tells apart before a position ...
    right: int = 8  # ... and after it; those further off count as the furthest
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.dim % self.n_heads or self.kernel % 2 == 0 or self.n_stacked < 1 or self.depth < 1:
            raise EarShotError(
                got=f"dim={self.dim}, n_heads={self.n_heads}, kernel={self.kernel}, "
                f"n_stacked={self.n_stacked}, depth={self.depth}",
                expected="a dim that the heads share evenly, an odd kernel, and at least 1 of each",
                mend="w2v-BERT 2.0 has 1024, 16, 31, 2 and 24.",
            )

    @classmethod
    def v2(cls) -> ConformerConfig:
        """w2v-BERT 2.0: 24 blocks at 50 Hz. Source: arXiv:2312.05187, its released config."""
        return cls()

    @classmethod
    def xl(cls) -> ConformerConfig:
        """w2v-BERT XL: 24 blocks at 25 Hz. Source: arXiv:2108.06209, section 4.2."""
        return cls(subsampling="conv", n_heads=8, kernel=5)

    @property
    def frame_dim(self) -> int:
        """Numbers of a position before the projection to `dim`."""
        if self.subsampling == "conv":
            return ConvSubsampling.dim_of(self.n_mels, self.conv_dim)
        return self.n_stacked * self.n_mels

    def library_config(self) -> Any:
        """The same for `transformers`: no LayerDrop, no SpecAugment of its own."""
        from transformers import Wav2Vec2BertConfig

        return Wav2Vec2BertConfig(
            feature_projection_input_dim=self.frame_dim,
            hidden_size=self.dim,
            num_hidden_layers=self.depth,
            num_attention_heads=self.n_heads,
            intermediate_size=self.inner_dim,
            conv_depthwise_kernel_size=self.kernel,
            left_max_position_embeddings=self.left,
            right_max_position_embeddings=self.right,
            position_embeddings_type="relative_key",
            hidden_dropout=self.dropout,
            activation_dropout=self.dropout,
            attention_dropout=self.dropout,
            feat_proj_dropout=self.dropout,
            conformer_conv_dropout=self.dropout,
            layerdrop=0.0,  # the tap of pre-training must not be skipped
            apply_spec_augment=False,
        )


class Conformer(nn.Module):
    """`transformers`' Wav2Vec2BertModel over a front end's frames, averaged where there was sound.

    It wants KaldiFbankConfig.w2v_bert(). Padding and batch-mates never change a row.
    Source: arXiv:2108.06209, arXiv:2005.08100. Differs: causal convolutions with layer norm and
    clipped relative attention, as w2v-BERT 2.0 has them, in every size.
    """

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        from transformers import Wav2Vec2BertModel

        self.config, self.dim = config, config.dim
        self.subsampling: nn.Module = nn.Identity()
        if config.subsampling == "conv":
            self.subsampling = ConvSubsampling(config.n_mels, config.conv_dim)
        self.model = Wav2Vec2BertModel(config.library_config())

    @property
    def position_frames(self) -> float:
        """Frames that a position stands for."""
        return 4.0 if self.config.subsampling == "conv" else float(self.config.n_stacked)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames], n_frames [batch]: real lengths -> [batch, dim]."""
        states = self.layers(log_mel, n_frames)
        return mean_of_real(states.last, states.padding)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """What goes into the first block and what comes out of each."""
        return self.encode(*self.positions(log_mel, n_frames))

    def positions(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised features of each position [batch, positions, frame_dim]; n_positions [batch].

        They are what masks hide and what a quantiser quantises.
        """
        check_shape(
            "log_mel",
            log_mel,
            ("batch", self.config.n_mels, "frames"),
            mend="Give the front end and this encoder the same n_mels.",
        )
        if self.config.subsampling == "conv":
            frames, n_positions = self.subsampling(log_mel, n_frames)
        else:
            padding = padding_of(n_frames, log_mel.shape[2])[:, None]  # [batch, 1, frames]
            real = log_mel.masked_fill(padding, 0.0)  # a clip of one frame is filled with silence
            stacked, n_positions = stack_frames(real, n_frames, self.config.n_stacked)
            frames = stacked.transpose(1, 2)  # [batch, positions, frame_dim]
        return self.model.feature_projection.layer_norm(frames), n_positions

    def encode(
        self, features: Tensor, n_positions: Tensor, masked: Tensor | None = None
    ) -> LayerStates:
        """All layers' states of what `positions` gave.

        Where `masked` [batch, positions] is True a learnt vector takes the place of the projected
        features: `masked_spec_embed`.
        """
        projection = self.model.feature_projection
        hidden = projection.dropout(projection.projection(features))  # [batch, positions, dim]
        if masked is not None:
            learnt = self.model.masked_spec_embed.to(hidden.dtype)
            hidden = torch.where(masked[..., None], learnt, hidden)
        padding = padding_of(n_positions, hidden.shape[1])
        hidden = self.model.encoder.dropout(hidden.masked_fill(padding[..., None], 0.0))
        states, unseen = [hidden], torch.finfo(hidden.dtype).min
        bias = torch.zeros_like(padding, dtype=hidden.dtype).masked_fill(padding, unseen)
        for block in self.model.encoder.layers:
            hidden = block(
                hidden,
                attention_mask=bias[:, None, None].expand(-1, 1, hidden.shape[1], -1),
                conv_attention_mask=~padding,
            )
            states.append(hidden)
        return LayerStates(tuple(states), n_positions)
