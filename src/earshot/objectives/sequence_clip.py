"""Which of these segments was heard? A contrastive loss over whole sequences, one way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.shapes import check_shape
from earshot.objectives.infonce import check_finite, check_pairs

EPSILON = 1e-8  # beside the norm of a target


def sequence_scores(
    estimates: Tensor, candidates: Tensor, *, normalise_both: bool = False
) -> Tensor:
    """How well each estimate fits each candidate: [estimates, candidates], higher is better.

    estimates [estimates, features, samples], candidates [candidates, features, samples].
    s_ij = <Z_i, Y_j> / (1e-8 + |Y_j|), over features and samples alike: only candidates are
    brought to unit length, so that the length of an estimate says how sure it is. `normalise_both`
    makes it a cosine. Source: arXiv:2208.12266, Methods.
    """
    mend = "Bring both to the same features and samples."
    check_shape("estimates", estimates, ("estimates", "features", "samples"), mend=mend)
    check_shape("candidates", candidates, ("candidates", *estimates.shape[1:]), mend=mend)
    own, other = estimates.flatten(1).float(), candidates.flatten(1).float()
    if normalise_both:
        own = own / (EPSILON + own.norm(dim=1, keepdim=True))
    return own @ (other / (EPSILON + other.norm(dim=1, keepdim=True))).T


class SequenceClip(nn.Module):
    """Tell each window's own segment from the others of the batch; no temperature, one direction.

    With `segments` the other windows of the same segment, such as another subject's, are no
    negatives. `normalise_both` scores by cosine times `scale` instead.
    Source: arXiv:2208.12266, Methods. Differs: equal segments are masked where they are told.
    """

    def __init__(self, *, normalise_both: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        self.normalise_both, self.scale = normalise_both, scale

    def forward(self, estimates: Tensor, targets: Tensor, segments: Tensor | None = None) -> Tensor:
        """Mean loss in nats. Both [batch, features, samples], paired by row.

        segments [batch] int64: which segment a row is; rows of one segment do not repel each
        other. Raises EarShotError for shapes that do not fit and for NaN or infinite input.
        """
        check_pairs(estimates.flatten(1), targets.flatten(1))
        with torch.autocast(estimates.device.type, enabled=False):
            scores = sequence_scores(estimates, targets, normalise_both=self.normalise_both)
            scores = self.scale * scores
            if segments is not None:
                check_shape(
                    "segments", segments, (len(scores),), mend="Number every row's segment."
                )
                same = segments[:, None] == segments[None]
                same.fill_diagonal_(False)
                scores = scores.masked_fill(same, float("-inf"))
            target = torch.arange(len(scores), device=scores.device)
            return check_finite(F.cross_entropy(scores, target))
