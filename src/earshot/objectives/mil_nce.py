"""VATT's two losses: a joint softmax over both directions, and its form with several sentences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, check_pairs


class JointNCE(nn.Module):
    """One softmax a pair: against all pairs of its row and of its column at once.

    The denominator joins (i, j) and (j, i) for all j, 2 * batch terms among which the pair itself
    stands twice: the loss is never below ln 2. Source: arXiv:2104.11178, Eq. 1, as its code has it.
    """

    def forward(self, anchor: Tensor, other: Tensor, scale: Tensor) -> Tensor:
        """Mean loss in nats of unit rows [batch, dim], paired by row, of all processes."""
        with torch.autocast(anchor.device.type, enabled=False):
            check_pairs(anchor, other)
            anchor, other = gather_rows(anchor.float()), gather_rows(other.float())
            logits = scale.float() * anchor @ other.T  # [all rows, all rows]
            both = torch.logaddexp(logits.logsumexp(1), logits.logsumexp(0))
            return check_finite((both - logits.diagonal()).mean())


class MilNCE(nn.Module):
    """The same where each clip has several candidate sentences, any of which may be the right one.

    The positives of a clip are all its candidates together. Candidates that are not there count
    nowhere; a clip without any has no loss of its own and is a negative for the others' sentences.
    Source: arXiv:1912.06430 and arXiv:2104.11178, Eq. 2.
    """

    def forward(
        self, anchor: Tensor, candidates: Tensor, scale: Tensor, *, valid: Tensor | None = None
    ) -> Tensor:
        """Mean loss in nats of the clips that have a sentence, of all processes.

        anchor [batch, dim], candidates [batch, candidates, dim]: unit rows; valid
        [batch, candidates]: True where there is a sentence, everywhere when left out.
        """
        check_shape(
            "candidates", candidates, (len(anchor), "candidates", anchor.shape[-1]),
            mend="Give every clip the same number of candidates, and say which are valid.",
        )  # fmt: skip
        if valid is None:
            valid = torch.ones(candidates.shape[:2], dtype=torch.bool, device=candidates.device)
        check_shape("valid", valid, tuple(candidates.shape[:2]), mend="Give one flag a candidate.")
        with torch.autocast(anchor.device.type, enabled=False):
            check_pairs(anchor, candidates[:, 0])
            return self._loss(
                gather_rows(anchor.float()),
                gather_rows(candidates.float()),
                scale.float(),
                gather_rows(valid.byte()).bool(),
            )

    def _loss(self, anchor: Tensor, candidates: Tensor, scale: Tensor, valid: Tensor) -> Tensor:
        told = valid.any(1)  # [all rows]
        if not bool(told.any()):
            raise EarShotError(
                got=f"{len(anchor)} clips without a sentence",
                expected="at least one with",
                mend="Mix clips that have captions into every batch.",
            )
        logits = scale * torch.einsum("id,jpd->ijp", anchor, candidates)  # [clips, clips, cand.]
        logits = logits.masked_fill(~valid[None], -torch.inf)
        own = logits.diagonal(dim1=0, dim2=1).T[told]  # [told, candidates]
        rows = logits[told].flatten(1).logsumexp(1)  # the clip with everyone's sentences
        columns = logits[:, told].transpose(0, 1).flatten(1).logsumexp(1)  # everyone with its own
        return check_finite((torch.logaddexp(rows, columns) - own.logsumexp(1)).mean())
