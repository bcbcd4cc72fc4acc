"""Which hidden patch was it, and what did it look like: the two tasks of SSAST."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.shapes import check_shape


def identification(
    predicted: Tensor, target: Tensor, real: Tensor, *, transposed: bool = False
) -> tuple[Tensor, Tensor]:
    """How well each prediction tells its own patch from the clip's other hidden ones.

    predicted and target [batch, hidden, pixels]; real [batch, hidden]: False where a clip hides
    fewer. Gives the loss in nats and the accuracy, each the mean over a clip's patches and then
    over clips. A plain dot product of raw pixels: neither temperature nor unit length.
    `transposed`: each patch is told among the predictions instead, as the released code has it.
    Source: arXiv:2110.09784, Eq. 1.
    """
    _check(predicted, target, real)
    with torch.autocast(predicted.device.type, enabled=False):  # such dot products overflow fp16
        scores = predicted.float() @ target.float().transpose(1, 2)  # [batch, prediction, patch]
        scores = scores.masked_fill(~(real[:, :, None] & real[:, None]), float("-inf"))
        own = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
        scores = torch.where(own & ~real[:, :, None], 0.0, scores)  # rows of padding stay finite
        log_likelihood = scores.log_softmax(1 if transposed else 2).diagonal(dim1=1, dim2=2)
        loss = -_mean(log_likelihood, real)
        right = scores.argmax(2) == torch.arange(scores.shape[1], device=scores.device)
        return loss, _mean(right.float(), real)


def reconstruction(predicted: Tensor, target: Tensor, real: Tensor) -> Tensor:
    """The mean squared error of predicted pixels; shapes as `identification` takes them.

    Source: arXiv:2110.09784, Eq. 2.
    """
    _check(predicted, target, real)
    error = (predicted.float() - target.float()).square().mean(2)  # [batch, hidden]
    return _mean(error, real)


def _mean(value: Tensor, real: Tensor) -> Tensor:
    """Over each clip's real entries, then over clips that have any; 0 without one."""
    count = real.sum(1)
    each = torch.where(real, value, 0.0).sum(1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)


def _check(predicted: Tensor, target: Tensor, real: Tensor) -> None:
    check_shape(
        "predicted",
        predicted,
        ("batch", "hidden", "pixels"),
        mend="Gather the hidden patches of each clip first.",
    )
    mend = "Give the raw patches in the order of the predictions."
    check_shape("target", target, tuple(predicted.shape), mend=mend)
    check_shape("real", real, tuple(predicted.shape[:2]), mend="One flag for each prediction.")
