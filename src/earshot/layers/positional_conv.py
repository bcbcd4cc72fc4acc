"""Where a position is, from what lies around it: a wide grouped convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WeightNormConv(nn.Module):
    """A grouped convolution over time whose kernel is a length times a direction, tap by tap.

    Lengths are `weight_g` [1, 1, width], directions `weight_v` [dim, dim / groups, width], the
    names of published checkpoints. Newer ones of torch call them
    `parametrizations.weight.original0` and `original1`.
    Source: arXiv:2006.11477, its code (weight norm over all but the last dimension).
    """

    def __init__(self, dim: int, width: int, groups: int) -> None:
        super().__init__()
        self.width, self.groups = width, groups
        self.weight_v = nn.Parameter(torch.empty(dim, dim // groups, width))
        nn.init.normal_(self.weight_v, 0.0, (4.0 / (width * dim)) ** 0.5)
        self.weight_g = nn.Parameter(self.weight_v.detach().norm(dim=(0, 1), keepdim=True))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, hidden: Tensor) -> Tensor:
        """[batch, dim, positions] -> the same shape: an even width looks back one farther."""
        length = self.weight_v.norm(dim=(0, 1), keepdim=True)
        weight = self.weight_g * self.weight_v / length
        out = F.conv1d(hidden, weight, self.bias, padding=self.width // 2, groups=self.groups)
        return out[..., : hidden.shape[-1]]


def positional_conv(dim: int, width: int, groups: int) -> nn.Sequential:
    """The positional embedding of wav2vec 2.0, WavLM and BEATs: that convolution and a GELU."""
    return nn.Sequential(WeightNormConv(dim, width, groups), nn.GELU())
