"""Contrastive predictive coding: tell what comes next from what comes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class CpcScore:
    """How well the next latents were told from others."""

    loss: Tensor  # [], mean over horizons, nats; ln(n_negatives + 1) where nothing is known
    accuracy: Tensor  # [], share of latents that beat all negatives


def cpc_loss(
    predictions: Tensor,
    latents: Tensor,
    n_positions: Tensor,
    n_negatives: int = 128,
    *,
    pool: Tensor | None = None,
) -> CpcScore:
    """Each prediction against the latent it is of and `n_negatives` others of the batch.

    predictions [horizons, batch, positions, dim]: W_k c_t for k = 1, 2, ...; latents [batch,
    positions, dim]; n_positions [batch]. Negatives come from all utterances, the own one too, so
    that what tells speakers apart helps; they are the same for all predictions of a batch, and are
    never the latent itself. pool [n_negatives + 1]: places among the real positions, row by row;
    drawn from torch's generator where left out. ln(n_negatives + 1) - loss is a lower bound of the
    mutual information between context and what comes. Raises EarShotError for a batch with fewer
    positions than negatives, or none that a horizon ends in.
    Source: arXiv:1807.03748, Eqs. 3-4.
    """
    check_shape("latents", latents, ("batch", "positions", "dim"), mend="Stack the clips.")
    check_shape(
        "predictions",
        predictions,
        ("horizons", *latents.shape),
        mend="Predict each latent in its own dim.",
    )
    n_horizons, device = len(predictions), latents.device
    places = torch.arange(latents.shape[1], device=device)
    real = places < n_positions[:, None]  # [batch, positions]
    if int(real.sum()) <= n_negatives or int(n_positions.max()) <= n_horizons:
        raise EarShotError(
            got=f"{int(real.sum())} positions in a batch, at most {int(n_positions.max())} of a "
            f"clip, for {n_negatives} negatives and {n_horizons} horizons",
            expected="more positions than either",
            mend="Lower n_negatives and n_horizons, or take more and longer clips.",
        )
    flat = latents[real]  # [real, dim]
    if pool is None:
        pool = torch.randperm(len(flat), device=device)[: n_negatives + 1]
    number = torch.full(real.shape, -1, device=device, dtype=torch.int64)
    number[real] = torch.arange(len(flat), device=device)
    losses, told, count = [], latents.new_zeros(()), 0
    for k, predicted in enumerate(predictions, start=1):
        begun = real[:, k:]  # [batch, positions - k]: where position + k is real
        rows, wanted = predicted[:, :-k][begun].float(), number[:, k:][begun]
        own = (rows * flat[wanted].float()).sum(1, keepdim=True)  # [targets, 1]
        others = rows @ flat[pool].float().T  # [targets, n_negatives + 1]
        itself = pool[None] == wanted[:, None]
        itself[:, -1] |= ~itself.any(1)  # one of the pool is always left out: itself, or the last
        logits = torch.cat([own, others.masked_fill(itself, -torch.inf)], 1)
        losses.append(F.cross_entropy(logits, torch.zeros_like(wanted)))
        told, count = told + (own[:, 0] > logits[:, 1:].amax(1)).sum(), count + len(wanted)
    return CpcScore(torch.stack(losses).mean(), told / count)
