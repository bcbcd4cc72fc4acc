"""How much each item of a batch counts as another's positive: weights in [0, 1] from one side."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape

Prepare = Literal["none", "centre", "whiten"]


class CosineWeights(nn.Module):
    """w_ij = (<q_i, q_j> / 2 + 0.5)^kappa of unit rows q: 1 for equal rows, 0 for opposite ones.

    kappa = 1 is the paper; the larger, the sharper, until equal rows alone are positives. Where
    all cosines lie close together, `fit` learns a centre (or a whitening) from a corpus of rows,
    through which rows pass for their weights alone, and are made unit rows again.
    Source: arXiv:2309.14580, section 3.
    """

    mean: Tensor  # [dim]; empty before `fit`
    transform: Tensor  # [dim, dim]; empty unless whitening

    def __init__(self, kappa: float = 1.0, prepare: Prepare = "none") -> None:
        super().__init__()
        if not kappa > 0:
            raise EarShotError(
                got=f"kappa={kappa:g}", expected="a power above 0", mend="1 is the paper's."
            )
        if prepare not in ("none", "centre", "whiten"):
            raise EarShotError(
                got=f"prepare={prepare!r}", expected="none, centre or whiten", mend="Pick one."
            )
        self.kappa, self.prepare = kappa, prepare
        self.register_buffer("mean", torch.zeros(0), persistent=False)
        self.register_buffer("transform", torch.zeros(0, 0), persistent=False)

    @torch.no_grad()
    def fit(self, rows: Tensor, ridge: float = 1e-2) -> CosineWeights:
        """Learn centre and whitening from rows [n, dim] of a corpus; gives itself back.

        ridge: a share of the mean variance added to every direction, so that those in which the
        corpus hardly varies are not blown up.
        """
        check_shape("rows", rows, ("n", "dim"), mend="Pass the frozen side's embeddings.")
        wide = rows.double()
        if self.prepare != "none":
            self.mean = wide.mean(0).float()
        if self.prepare == "whiten":
            centred = wide - wide.mean(0)
            values, vectors = torch.linalg.eigh(centred.T @ centred / len(rows))
            values = values.clamp(min=0) + ridge * values.mean().clamp(min=1e-12)
            self.transform = (vectors * values.rsqrt() @ vectors.T).float()
        return self

    @torch.no_grad()
    def forward(self, rows: Tensor) -> Tensor:
        """Weights [n, n] of unit rows [n, dim]; 1 on the diagonal."""
        if self.prepare != "none" and not len(self.mean):
            raise EarShotError(
                got=f"prepare={self.prepare!r} without a corpus",
                expected="a centre to take out",
                mend="Call fit(rows) with the frozen side's embeddings of the corpus first.",
            )
        if len(self.mean):
            rows = rows - self.mean
        if len(self.transform):
            rows = rows @ self.transform
        rows = nn.functional.normalize(rows)
        weights = ((rows @ rows.T).clamp(-1.0, 1.0) / 2 + 0.5) ** self.kappa
        return weights.fill_diagonal_(1.0)


def own_only(rows: Tensor) -> Tensor:
    """The identity [n, n]: each item has its own partner and no other, as in InfoNCE."""
    return torch.eye(len(rows), device=rows.device)


def tag_overlap(tags: Tensor) -> Tensor:
    """Shared over all tags of two items, |a & b| / |a | b|, from tags [n, n_tags] of 0 and 1.

    1 on the diagonal, also for items without a tag, which are alike to no other. Items of one tag
    each weigh 1 where it is the same, else 0: supervised contrastive, arXiv:2004.11362.
    """
    check_shape("tags", tags, ("n", "n_tags"), mend="Give every pair a row of 0 and 1.")
    tags = tags.float()
    shared = tags @ tags.T
    n_tags = tags.sum(1)
    either = n_tags[:, None] + n_tags[None] - shared
    return (shared / either.clamp(min=1.0)).fill_diagonal_(1.0)
