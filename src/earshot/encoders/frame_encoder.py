"""A small encoder of speech frames: a transformer that sees all, or a GRU that sees the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.positions import sinusoids
from earshot.layers.transformer import Transformer

CONV_GROUPS = 8


@dataclass(frozen=True)
class FrameEncoderConfig:
    """Sizes of a FrameEncoder."""

    kind: Literal["transformer", "gru"] = "transformer"  # gru: causal, for autoregressive aims
    n_features: int = 40  # of a frame
    stack: int = 2  # frames that make a position
    dim: int = 96
    depth: int = 3
    n_heads: int = 4
    mlp_ratio: float = 4.0
    positions: Literal["convolution", "sinusoids"] = "convolution"  # of a transformer
    position_width: int = 15  # positions that the convolution hears, an odd number
    dropout: float = 0.0
    mean: float = -30.0  # what frames are centred by, in dB for a LogMel ...
    std: float = 20.0  # ... and divided by

    def __post_init__(self) -> None:
        if self.stack < 1 or self.depth < 1 or self.std <= 0 or self.position_width % 2 == 0:
            raise EarShotError(
                got=f"stack={self.stack}, depth={self.depth}, std={self.std:g}, "
                f"position_width={self.position_width}",
                expected="at least 1 of the first two, std above 0 and an odd position_width",
                mend="The defaults are 2, 3, 20 and 15.",
            )
        by_convolution = self.kind == "transformer" and self.positions == "convolution"
        if by_convolution and self.dim % CONV_GROUPS:
            raise EarShotError(
                got=f"dim={self.dim}",
                expected=f"a multiple of {CONV_GROUPS}, the groups of the convolution",
                mend="Pick one, such as 96.",
            )


class FrameEncoder(nn.Module):
    """Stack frames, project them, and set each in its context; states of every layer.

    A transformer hears where a position is from a convolution over its neighbours, as wav2vec 2.0
    does (arXiv:2006.11477, section 2), or from sinusoids, as TERA does (arXiv:2007.06028). The GRU
    adds each layer to its input, as APC does (arXiv:1904.03240, section 3.1), and no state depends
    on what comes later.

    The pieces are there for objectives: `stacked`, `embed`, `contextualise`.
    """

    def __init__(self, config: FrameEncoderConfig):
        super().__init__()
        self.config, self.dim = config, config.dim
        self.position_frames = float(config.stack)
        self.n_inputs = config.n_features * config.stack
        self.projection = nn.Linear(self.n_inputs, config.dim)
        self.embed_norm = nn.LayerNorm(config.dim)
        if config.kind == "gru":
            self.rnns = nn.ModuleList(
                nn.GRU(config.dim, config.dim, batch_first=True) for _ in range(config.depth)
            )
        else:
            if config.positions == "convolution":
                width = config.position_width
                self.positions = nn.Conv1d(
                    config.dim, config.dim, width, padding=width // 2, groups=CONV_GROUPS
                )
            self.blocks = Transformer(
                config.dim,
                config.depth,
                config.n_heads,
                mlp_ratio=config.mlp_ratio,
                dropout=config.dropout,
            )

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_features, frames], n_frames [batch] -> [batch, dim], the mean."""
        states = self.layers(log_mel, n_frames)
        return mean_of_real(states.hidden[-1], states.padding)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The embedding, then the state of each layer; depth + 1 in all."""
        inputs, n_positions = self.stacked(log_mel, n_frames)
        return self.contextualise(self.embed(inputs), n_positions)

    def stacked(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled frames side by side, [batch, positions, n_inputs], and n_positions [batch].

        A last position that is not full ends in zeros, as all padding does.
        """
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_features, "frames"),
            mend="Give the front end as many bands as this encoder has n_features.",
        )
        scaled = (log_mel - config.mean) / config.std
        scaled = scaled.masked_fill(padding_of(n_frames, log_mel.shape[2])[:, None], 0.0)
        scaled = F.pad(scaled, (0, -scaled.shape[2] % config.stack))
        inputs = scaled.transpose(1, 2).reshape(len(scaled), -1, self.n_inputs)
        return inputs, (-(-n_frames // config.stack)).clamp(min=1)

    def embed(self, inputs: Tensor) -> Tensor:
        """Local latents [batch, positions, dim] of stacked frames: each hears its own alone."""
        return self.embed_norm(self.projection(inputs))

    def contextualise(self, hidden: Tensor, n_positions: Tensor) -> LayerStates:
        """States of every layer, from latents [batch, positions, dim]; those come first."""
        padding = padding_of(n_positions, hidden.shape[1])
        found = [hidden]
        if self.config.kind == "gru":
            for rnn in self.rnns:
                hidden = hidden + rnn(hidden)[0]
                found.append(hidden)
            return LayerStates(tuple(found), n_positions)
        if self.config.positions == "sinusoids":
            hidden = hidden + sinusoids(*hidden.shape[1:]).to(hidden)
        else:
            near = hidden.masked_fill(padding[..., None], 0.0).transpose(1, 2)
            hidden = hidden + F.gelu(self.positions(near)).transpose(1, 2)
        hidden = F.dropout(hidden, self.config.dropout, self.training)
        seen = ~padding[:, None, None, :]  # [batch, 1, 1, positions]
        for block in self.blocks.blocks:
            hidden = block(hidden, seen)
            found.append(hidden)
        found[-1] = self.blocks.norm(hidden)
        return LayerStates(tuple(found), n_positions)
