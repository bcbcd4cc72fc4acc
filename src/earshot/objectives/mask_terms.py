"""What is asked of a learnt mask: that it keeps little, and that it holds over time."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


def size_excess(mask: Tensor, n_steps: Tensor, *, target: float = 0.4) -> Tensor:
    """How far the mean of mask [batch, steps, channels] over real steps lies above `target`.

    Source: arXiv:2402.10434, its code. Differs: a mean over channels, where the code's sum makes
    the target depend on how many there are.
    """
    return torch.relu(mean_of_mask(mask, n_steps) - target)


def mean_of_mask(mask: Tensor, n_steps: Tensor) -> Tensor:
    """The mean of mask [batch, steps, channels] over the n_steps [batch] real ones of all rows."""
    _check(mask, n_steps)
    place = torch.arange(mask.shape[1], device=mask.device)[None]
    real = place < n_steps[:, None]
    return mask.masked_fill(~real[..., None], 0.0).sum() / (n_steps.sum() * mask.shape[2])


def variation(mask: Tensor, n_steps: Tensor) -> Tensor:
    """The mean of |h_t - h_(t-1)| over neighbours among real steps; 0 for a constant mask."""
    _check(mask, n_steps)
    place = torch.arange(1, mask.shape[1], device=mask.device)[None]
    both = (place < n_steps[:, None])[..., None]  # [batch, steps - 1, 1]
    jumps = mask.diff(dim=1).abs().masked_fill(~both, 0.0)
    return jumps.sum() / (both.sum() * mask.shape[2]).clamp(min=1)


def pair_smoothness(mask: Tensor, n_steps: Tensor) -> Tensor:
    """Neighbours alike, distant steps unlike, at two steps a, b drawn for each series.

    |h_a - h_(a-1)| + |h_a - h_(a+1)|, plus |h_a - h_b| where b > a + 1, else 1 - |h_a - h_b|; the
    mean over series of at least three steps, and channels. Draws from torch's own generator.
    Source: arXiv:2402.10434, its code; its Eq. 11 is a triplet of the same steps.
    """
    _check(mask, n_steps)
    enough = n_steps >= 3
    if not bool(enough.any()):
        return mask.sum() * 0.0
    mask, n_steps = mask[enough], n_steps[enough]
    draw = torch.rand(2, len(mask), device=mask.device)
    a = 1 + (draw[0] * (n_steps - 2)).long()  # has a neighbour on both sides
    b = (draw[1] * n_steps).long()
    rows = torch.arange(len(mask), device=mask.device)
    at = mask[rows, a]  # [series, channels]
    near = (at - mask[rows, a - 1]).abs() + (at - mask[rows, a + 1]).abs()
    apart = (at - mask[rows, b]).abs()
    far = torch.where((b > a + 1)[:, None], apart, 1 - apart)
    return (near + far).mean()


def _check(mask: Tensor, n_steps: Tensor) -> None:
    check_shape(
        "mask", mask, (len(n_steps), "steps", "channels"), mend="Give each mask its length."
    )
    if bool((n_steps < 1).any()) or bool((n_steps > mask.shape[1]).any()):
        raise EarShotError(
            got=f"n_steps from {int(n_steps.min())} to {int(n_steps.max())}",
            expected=f"lengths from 1 to {mask.shape[1]}",
            mend="Leave out empty series and give real lengths.",
        )
