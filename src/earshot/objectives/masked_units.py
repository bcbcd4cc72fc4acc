"""Masked prediction of discrete units: which label does a hidden step have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class UnitScore:
    """How well labels of steps were told."""

    loss: Tensor  # [], nats
    accuracy: Tensor  # [], of masked steps


class MaskedUnits(nn.Module):
    """Softmax over units by the cosine between a projected state and each unit's vector.

    `weight` is alpha: the loss of masked steps counts so much, that of the others 1 - alpha.
    Source: arXiv:2106.07447, Eqs. 1-3.
    """

    def __init__(
        self,
        dim: int,
        n_units: int,
        unit_dim: int = 256,
        *,
        temperature: float = 0.1,
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        if n_units < 2 or not temperature > 0 or not 0 <= weight <= 1:
            raise EarShotError(
                got=f"n_units={n_units}, temperature={temperature:g}, weight={weight:g}",
                expected="two units, a temperature above 0 and a weight from 0 to 1",
                mend="HuBERT has 100 to 500 units, 0.1 and 1.",
            )
        self.temperature, self.weight = temperature, weight
        self.projection = nn.Linear(dim, unit_dim)
        self.units = nn.Parameter(torch.randn(n_units, unit_dim))  # fairseq: uniform, nearly alike

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [..., dim] -> [..., n_units], float32."""
        projected = F.normalize(self.projection(hidden).float(), dim=-1)
        return projected @ F.normalize(self.units.float(), dim=-1).T / self.temperature

    def forward(self, hidden: Tensor, labels: Tensor, masked: Tensor, padding: Tensor) -> UnitScore:
        """hidden [batch, positions, dim]; labels, masked and padding [batch, positions]."""
        check_shape("labels", labels, tuple(hidden.shape[:2]), mend="Label every position.")
        check_shape("masked", masked, tuple(labels.shape), mend="Give every position a truth.")
        if not bool(masked.any()):
            raise EarShotError(
                got="a batch without a masked step",
                expected="hidden steps to tell",
                mend="Raise the start probability or the least number of spans of the mask.",
            )
        logits = self.logits(hidden[masked])
        loss = self.weight * F.cross_entropy(logits, labels[masked])
        seen = ~masked & ~padding
        if self.weight < 1 and bool(seen.any()):
            plain = F.cross_entropy(self.logits(hidden[seen]), labels[seen])
            loss = loss + (1 - self.weight) * plain
        return UnitScore(loss, (logits.argmax(1) == labels[masked]).float().mean())
