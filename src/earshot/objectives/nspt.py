"""Contrast that holds a learner to what it knew: positives from before, negatives from now."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.shapes import check_shape
from earshot.objectives.infonce import check_finite

Variant = Literal["nspt", "ntpt", "nsps"]
VARIANTS = ("nspt", "ntpt", "nsps")


class Nspt(nn.Module):
    """Pull each rehearsal clip to what the previous model made of its class, off all other classes.

    For an anchor i among the rehearsal rows, P(i) are the rehearsal rows of its class, i among
    them. Each p of P(i) is told from the negatives alone: all rows of the batch, new ones too,
    outside P(i). The loss of an anchor is the mean over P(i).

    variant: "nspt", negatives from the student and positives from the teacher, is the paper's.
    Ablations: "ntpt" takes both from the teacher, "nsps" both from the student, which is
    supervised contrastive learning over the same sets. reduction: "sum" over anchors as the
    equation has it, or "mean".
    Source: arXiv:2310.02699, section 3.2 (negative-student positive-teacher).
    The paper leaves open which rows its denominator runs over; this is how it is read here.
    """

    def __init__(
        self, variant: Variant = "nspt", *, reduction: Literal["sum", "mean"] = "sum"
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise unknown_name("variant", variant, VARIANTS)
        self.variant, self.reduction = variant, reduction

    def forward(
        self, student: Tensor, teacher: Tensor, target: Tensor, rehearsal: Tensor, scale: Tensor
    ) -> Tensor:
        """Loss in nats; 0, with zero gradients, for a batch without rehearsal rows.

        student, teacher [batch, dim]: unit rows of the same clips by the two models; no gradient
        reaches the teacher. target [batch] int64: the class of each row. rehearsal [batch] bool:
        True for rows of the memory. scale: 1 / temperature. Computed in float32.
        Raises EarShotError for shapes that do not fit and for NaN or infinite input.
        """
        _check(student, teacher, target, rehearsal)
        with torch.autocast(student.device.type, enabled=False):
            return self._loss(
                student.float(), teacher.detach().float(), target, rehearsal, scale.float()
            )

    def _loss(
        self, student: Tensor, teacher: Tensor, target: Tensor, rehearsal: Tensor, scale: Tensor
    ) -> Tensor:
        if not bool(rehearsal.any()):
            return student.sum() * 0.0
        anchors = student[rehearsal]  # [anchors, dim]
        own = target[rehearsal][:, None] == target[None]  # [anchors, batch], rows of its class
        positive = own & rehearsal[None]  # P(i)
        itself = torch.eye(len(student), dtype=torch.bool, device=student.device)[rehearsal]
        negative = ~(positive | itself)
        pulling = student if self.variant == "nsps" else teacher
        pushing = teacher if self.variant == "ntpt" else student
        pull, push = scale * anchors @ pulling.T, scale * anchors @ pushing.T
        nothing = torch.finfo(push.dtype).min / 4  # finite, so that no negative at all is no NaN
        rivals = push.masked_fill(~negative, nothing).logsumexp(1, keepdim=True)  # [anchors, 1]
        losses = F.softplus(rivals - pull) * positive  # -log(e^pull / (e^pull + e^rivals))
        each = losses.sum(1) / positive.sum(1)  # [anchors]; an anchor is its own positive
        return check_finite(each.mean() if self.reduction == "mean" else each.sum())


def _check(student: Tensor, teacher: Tensor, target: Tensor, rehearsal: Tensor) -> None:
    mend = "Give one row a clip, from student and teacher alike, with its class and its origin."
    check_shape("student", student, ("batch", "dim"), mend=mend)
    check_shape("teacher", teacher, tuple(student.shape), mend=mend)
    check_shape("target", target, (len(student),), mend=mend)
    check_shape("rehearsal", rehearsal, (len(student),), mend=mend)
    if rehearsal.dtype != torch.bool:
        raise EarShotError(
            got=f"rehearsal of type {rehearsal.dtype}", expected="booleans", mend=mend
        )
    for name, rows in (("student", student), ("teacher", teacher)):
        if not bool(torch.isfinite(rows).all()):
            raise EarShotError(
                got=f"{name} with NaN or infinite values",
                expected="finite numbers",
                mend="Lower the learning rate or clip gradients.",
            )
