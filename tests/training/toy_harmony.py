"""Three towers of one layer and two pair losses: what the tests of the harmoniser train."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.objectives.mil_nce import JointNCE
from earshot.training.harmonizer import Sides

SCALE = torch.tensor(5.0)


class Rows:
    """A batch [batch, 3, 6] that can be parted as a Batch can."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, part: slice) -> Rows:
        return Rows(self.values[part])


class Towers(nn.Module):
    """Anchor, view and text, each of one layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.anchor, self.view, self.text = (nn.Linear(6, 4) for _ in range(3))

    def sides(self, batch: Rows) -> Sides:
        """The embeddings of what each tower takes of a batch."""
        anchor, view, text = batch.values.unbind(1)
        view, text = self.view(view), self.text(text)
        return Sides(self.anchor(anchor), (F.normalize(view), F.normalize(text)))


def pair_loss(anchor: Tensor, other: Tensor) -> Tensor:
    return JointNCE()(F.normalize(anchor), other, SCALE)


def text_loss(anchor: Tensor, other: Tensor) -> Tensor:
    return 3 * pair_loss(anchor, other)


LOSSES = (pair_loss, text_loss)


def toy_rows(n: int = 12, seed: int = 1) -> Rows:
    return Rows(torch.randn(n, 3, 6, generator=torch.Generator().manual_seed(seed)))
