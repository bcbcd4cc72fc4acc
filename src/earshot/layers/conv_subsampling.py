"""Four frames to one position by two strided convolutions, with padding that is never seen."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.layers.pooling import padding_of


class ConvSubsampling(nn.Module):
    """Two 3x3 convolutions of stride 2 in time and frequency, each with a ReLU.

    Source: arXiv:2005.08100 (convolution subsampling); arXiv:2108.06209, section 3.1. Differs:
    frames past a clip's end are zeros at each of them, so that padding changes nothing.
    """

    def __init__(self, n_mels: int, conv_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, conv_dim, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(conv_dim, conv_dim, 3, stride=2, padding=1)
        self.dim = self.dim_of(n_mels, conv_dim)

    @staticmethod
    def dim_of(n_mels: int, conv_dim: int) -> int:
        """Numbers of a position: channels times the bands that are left."""
        return conv_dim * -(-n_mels // 4)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """log_mel [batch, n_mels, frames] -> [batch, ceil(frames / 4), dim]; n_frames / 4, up."""
        hidden = log_mel[:, None]  # [batch, 1, n_mels, frames]
        for conv in (self.conv1, self.conv2):
            padding = padding_of(n_frames, hidden.shape[3])[:, None, None]
            hidden = F.relu(conv(hidden.masked_fill(padding, 0.0)))
            n_frames = (n_frames + 1) // 2
        return hidden.flatten(1, 2).transpose(1, 2), n_frames  # channels of each band side by side
