"""EAT's objective: tell a teacher's patches where they are hidden, and its mean for the clip.

Source: arXiv:2401.03497, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5


def averaged_targets(added: Sequence[Tensor]) -> Tensor:
    """Y [batch, tokens, dim] of what each block's MLP added [batch, tokens, dim], the sum not.

    Each is brought to mean 0 and variance 1 over the tokens of its clip, channel by channel; their
    mean over blocks is then normalised over channels. Float32; no gradient comes back.
    """
    with torch.no_grad():
        each = [
            F.instance_norm(layer.float().transpose(1, 2), eps=EPSILON).transpose(1, 2)
            for layer in added
        ]
        mean = torch.stack(each).mean(0)
        return F.layer_norm(mean, mean.shape[-1:], eps=EPSILON)


def frame_loss(told: Tensor, targets: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over the hidden tokens [batch, tokens], times 1 / sqrt(dim)."""
    error = (told.float() - targets).square().mean(-1)  # [batch, tokens]
    return error[hidden].mean() / targets.shape[-1] ** 0.5


def utterance_loss(token: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error of the learnt token [batch, dim] and the tokens' mean; 1 / sqrt(dim)."""
    return F.mse_loss(token.float(), targets.mean(1)) / targets.shape[-1] ** 0.5
