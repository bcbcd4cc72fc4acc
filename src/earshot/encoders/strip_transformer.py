"""A small spectrogram transformer that sees time and ignores padding exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.positions import sinusoids
from earshot.layers.transformer import Transformer


@dataclass(frozen=True)
class StripTransformerConfig:
    """Sizes of a StripTransformer."""

    n_mels: int = 64
    strip: int = 4  # frames a strip
    dim: int = 192
    depth: int = 4
    n_heads: int = 4
    dropout: float = 0.0
    mean_db: float = -30.0  # what a log-mel is centred by ...
    std_db: float = 30.0  # ... and divided by

    def __post_init__(self) -> None:
        if self.strip < 1 or self.std_db <= 0:
            raise EarShotError(
                got=f"strip={self.strip}, std_db={self.std_db:g}",
                expected="strip of at least 1 frame and std_db above 0",
                mend="Raise them.",
            )


class StripTransformer(nn.Module):
    """Cut a log-mel into full-height strips, attend over them, average the real ones.

    Source: after AST, arXiv:2104.01778. Differs: strips, not square patches: padding masks exactly.
    """

    def __init__(self, config: StripTransformerConfig):
        super().__init__()
        self.config, self.dim = config, config.dim
        self.embed = nn.Linear(config.n_mels * config.strip, config.dim)
        self.blocks = Transformer(config.dim, config.depth, config.n_heads, dropout=config.dropout)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] in dB, n_frames [batch]: real lengths -> [batch, dim]."""
        hidden, padding = self.positions(log_mel, n_frames)
        return mean_of_real(hidden, padding)

    @property
    def position_frames(self) -> float:
        """Frames of a strip."""
        return float(self.config.strip)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The states of the strips: the last layer's alone."""
        hidden, padding = self.positions(log_mel, n_frames)
        return LayerStates((hidden,), (~padding).sum(1))

    def positions(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden states [batch, strips, dim] before averaging, and their padding."""
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_mels, "frames"),
            mend="Give the log-mel and this encoder the same n_mels.",
        )
        scaled = (log_mel - config.mean_db) / config.std_db
        scaled = scaled.masked_fill(padding_of(n_frames, log_mel.shape[2])[:, None], 0.0)
        scaled = F.pad(scaled, (0, -scaled.shape[2] % config.strip))  # up to whole strips
        strips = scaled.unfold(2, config.strip, config.strip)  # [batch, n_mels, strips, strip]
        hidden = self.embed(strips.transpose(1, 2).flatten(2))  # [batch, strips, dim]
        hidden = hidden + sinusoids(*hidden.shape[1:]).to(hidden)
        n_real = (-(-n_frames // config.strip)).clamp(min=1)  # strips that hold any sound
        padding = padding_of(n_real, hidden.shape[1])
        return self.blocks(hidden, padding), padding
