"""Gradients of several losses in agreement or in conflict: told by their inner products alone."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.errors import EarShotError


def gram_of_rows(gradients: Tensor) -> Tensor:
    """Inner products [batch, losses, losses] of gradients [losses, batch, dim], in float64."""
    rows = gradients.double().transpose(0, 1)  # [batch, losses, dim]
    return rows @ rows.transpose(1, 2)


def conflict(gram: Tensor) -> Tensor:
    """The smallest cosine between the gradients of any two losses, [...], from -1 to 1.

    gram [..., losses, losses]: their inner products. A gradient of zero disagrees with none: its
    cosines count as 1. Source: arXiv:2211.02077, the criterion of both its methods.
    """
    _check(gram)
    norm = gram.diagonal(dim1=-2, dim2=-1).clamp(min=0.0).sqrt()  # [..., losses]
    product = norm[..., :, None] * norm[..., None, :]
    cosine = torch.where(product > 0, gram / product.clamp(min=_tiny(gram)), 1.0).clamp(-1.0, 1.0)
    n_losses = gram.shape[-1]
    first, second = torch.triu_indices(n_losses, n_losses, offset=1, device=gram.device)
    return cosine[..., first, second].amin(-1)


def realign(gram: Tensor) -> Tensor:
    """Coefficients [..., losses, losses]: row k makes loss k's gradient out of the unmodified ones.

    A gradient that points against another's is put onto its normal plane: with two losses and a
    negative cosine g1' = g1 - (g1.g2 / |g2|^2) g2 and g2' = g2 - (g1.g2 / |g1|^2) g1, so that
    g1'.g2 = g2'.g1 = 0; otherwise the identity. With three or more each gradient is put onto the
    normal planes of the unmodified others in turn, in the order of the losses.
    Source: arXiv:2211.02077 (after arXiv:2001.06782). Differs: in order, not in random order.
    """
    _check(gram)
    n_losses = gram.shape[-1]
    rows = []
    for own in range(n_losses):
        row = torch.zeros_like(gram[..., 0])  # [..., losses]
        row[..., own] = 1.0
        for other in range(n_losses):
            if other == own:
                continue
            inner = (row * gram[..., other]).sum(-1)  # of what own is by now with the other
            length = gram[..., other, other]
            share = torch.where(inner < 0, inner / length.clamp(min=_tiny(gram)), 0.0)
            row[..., other] -= share
        rows.append(row)
    return torch.stack(rows, -2)


def _check(gram: Tensor) -> None:
    if gram.ndim < 2 or gram.shape[-1] != gram.shape[-2] or gram.shape[-1] < 2:
        raise EarShotError(
            got=f"inner products of shape {list(gram.shape)}",
            expected="[..., losses, losses] of at least two losses",
            mend="Harmonise two losses or more that share an anchor.",
        )


def _tiny(gram: Tensor) -> float:
    return torch.finfo(gram.dtype).tiny
