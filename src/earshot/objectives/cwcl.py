"""CWCL: align a trained encoder to a frozen one, similar items counting as partial positives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, check_pairs, cross_entropy
from earshot.objectives.soft_positives import CosineWeights

Weigh = Callable[[Tensor], Tensor]  # rows [n, ...] -> how much they count for each other [n, n]


class CWCL(nn.Module):
    """Every frozen item counts as a positive in proportion to its likeness to the row's own.

    Trained to frozen: the cross-entropy against w_ij / sum_j w_ij. Frozen to trained: plain
    InfoNCE, because likeness among trained vectors is not to be trusted. `weigh` makes w of the
    frozen rows, or of what `forward` is given as `by`: labels, tags, another model's rows. No
    gradient reaches w or the frozen rows. With the identity as w the sum is twice InfoNCE.
    `reduce`: "sum" of both directions is the paper's; "mean" compares with a halved InfoNCE at one
    learning rate. Rows of all processes are gathered.
    Source: arXiv:2309.14580, section 3.
    """

    def __init__(
        self, weigh: Weigh | None = None, *, reduce: Literal["sum", "mean"] = "sum"
    ) -> None:
        super().__init__()
        if reduce not in ("sum", "mean"):
            raise EarShotError(
                got=f"reduce={reduce!r}", expected="sum or mean", mend="The paper's is sum."
            )
        self.weigh: Weigh = CosineWeights() if weigh is None else weigh
        self.reduce = reduce

    def forward(
        self, trained: Tensor, frozen: Tensor, scale: Tensor, *, by: Tensor | None = None
    ) -> Tensor:
        """Loss in nats. Embeddings [batch, dim]: unit rows, paired by row, of one shape.

        by [batch, ...]: what the weights are made of, the frozen rows where left out. Raises
        EarShotError for shapes that do not fit, for weights below 0, and for NaN.
        """
        with torch.autocast(trained.device.type, enabled=False):
            trained, frozen = trained.float(), frozen.detach().float()
            check_pairs(trained, frozen)
            all_trained, all_frozen = gather_rows(trained), gather_rows(frozen)
            weights = self._weights(all_frozen if by is None else gather_rows(by.detach()))
            logits = scale.float() * all_trained @ all_frozen.T  # [all rows, all rows]
            to_frozen = cross_entropy(logits, weights)
            to_trained = cross_entropy(logits.T, torch.eye(len(logits), device=logits.device))
            total = to_frozen + to_trained
            return check_finite(total if self.reduce == "sum" else total / 2)

    def _weights(self, rows: Tensor) -> Tensor:
        with torch.no_grad():
            weights = self.weigh(rows).float()
        check_shape(
            "the weights", weights, (len(rows), len(rows)), mend="Let weigh give one for each pair."
        )
        if bool((weights < 0).any()) or not bool(torch.isfinite(weights).all()):
            raise EarShotError(
                got=f"weights from {float(weights.min()):.3g} to {float(weights.max()):.3g}",
                expected="finite weights of 0 or more",
                mend="Clamp what weigh gives; cosines become weights as cosine / 2 + 0.5.",
            )
        return weights
