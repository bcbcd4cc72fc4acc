"""Feature fusion: a map of the whole clip and one of its parts become one map.

Parameter names are the published ones, so that released weights load as they are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

FusionKind = Literal["daf", "aff", "iaff"]


class Daf(nn.Module):
    """Direct addition: the plain sum, the baseline that arXiv:2009.14082 fuses better than."""

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        """Both [batch, channels, height, width], and so is the result."""
        return whole + parts


class Aff(nn.Module):
    """Attentional feature fusion: a weight for every cell says how much each map counts.

    Source: arXiv:2009.14082, Eqs. 3-5, doubled as in arXiv:2211.06687's code.
    """

    def __init__(self, channels: int, *, bottleneck: int = 4):
        super().__init__()
        inner = channels // bottleneck
        self.local_att = nn.Sequential(*_squeeze(channels, inner))
        self.global_att = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_squeeze(channels, inner))

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        """Both [batch, channels, height, width], and so is the result."""
        n_rows = len(whole)
        whole, parts = _at_least_two(self, whole, parts)
        both = whole + parts
        weight = torch.sigmoid(self.local_att(both) + self.global_att(both))
        return (2 * whole * weight + 2 * parts * (1 - weight))[:n_rows]


class Iaff(nn.Module):
    """Attentional feature fusion in two rounds; the first round's mix sets the second's weights.

    The second round runs `global_att` again and never `global_att2`: a bug of the published code,
    reproduced so that its weights mean the same here. `global_att2` stays in the state dict.
    Source: arXiv:2009.14082, Eqs. 6-7.
    """

    def __init__(self, channels: int, *, bottleneck: int = 4):
        super().__init__()
        inner = channels // bottleneck
        self.local_att = nn.Sequential(*_squeeze(channels, inner))
        self.global_att = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_squeeze(channels, inner))
        self.local_att2 = nn.Sequential(*_squeeze(channels, inner))
        self.global_att2 = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_squeeze(channels, inner))
        self.global_att2.requires_grad_(False)

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        """Both [batch, channels, height, width], and so is the result."""
        n_rows = len(whole)
        whole, parts = _at_least_two(self, whole, parts)
        both = whole + parts
        weight = torch.sigmoid(self.local_att(both) + self.global_att(both))
        mixed = whole * weight + parts * (1 - weight)
        weight = torch.sigmoid(self.local_att2(mixed) + self.global_att(mixed))
        return (whole * weight + parts * (1 - weight))[:n_rows]


def fusion_block(kind: FusionKind, channels: int, *, bottleneck: int = 4) -> nn.Module:
    """The block that `kind` names."""
    if kind == "daf":
        return Daf()
    block = Aff if kind == "aff" else Iaff
    return block(channels, bottleneck=bottleneck)


def _squeeze(channels: int, inner: int) -> list[nn.Module]:
    """Two 1x1 convolutions through a bottleneck of `inner` channels."""
    return [
        nn.Conv2d(channels, inner, 1),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, channels, 1),
        nn.BatchNorm2d(channels),
    ]


def _at_least_two(block: nn.Module, whole: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
    """A lone row twice while training: batch norm of one pooled value has no variance."""
    if block.training and len(whole) == 1:
        return whole.repeat(2, 1, 1, 1), parts.repeat(2, 1, 1, 1)
    return whole, parts
