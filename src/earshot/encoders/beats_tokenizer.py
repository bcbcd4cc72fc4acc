"""BEATs' acoustic tokenizer: a label for every patch, by what it means and not how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.layers.ema_codebook import EmaCodebook, EmaCodebookConfig, Quantized


@dataclass(frozen=True)
class BeatsTokenizerConfig:
    """Sizes of the tokenizer; the defaults are those of the released ones, 91.3 M weights."""

    encoder: BeatsConfig = field(default_factory=BeatsConfig)
    codebook: EmaCodebookConfig = field(default_factory=EmaCodebookConfig)


class BeatsTokenizer(nn.Module):
    """An encoder whose states, projected, are quantised.

    `quantize_layer` and `quantize` are named as in the released checkpoints; what these have
    beside them lies here in `encoder`.
    Source: arXiv:2212.09058, section 3.2.2.
    """

    def __init__(self, config: BeatsTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = BeatsEncoder(config.encoder)
        dim = self.encoder.dim
        self.quantize_layer = nn.Sequential(
            nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, config.codebook.dim)
        )
        self.quantize = EmaCodebook(config.codebook)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Quantized, Tensor]:
        """The patches of log_mel [batch, n_mels, frames] as codes, and their padding."""
        hidden, padding = self.encoder.hidden(log_mel, n_frames)
        return self.quantize(self.quantize_layer(hidden), padding), padding

    @torch.no_grad()
    def labels(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Codes [batch, patches], int64, time after time; those of padding mean nothing."""
        return self(log_mel, n_frames)[0].codes
