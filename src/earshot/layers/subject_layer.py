"""One matrix a subject: brains differ, what they hear does not."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known


class SubjectLayer(nn.Module):
    """Mixes the channels of each row by the matrix of its subject, without a bias.

    `weights` [subjects, n_in, n_out] start as normal numbers of variance 1 / n_in.
    Source: arXiv:2208.12266, Methods.
    """

    def __init__(self, n_subjects: int, n_in: int, n_out: int | None = None) -> None:
        super().__init__()
        n_out = n_in if n_out is None else n_out
        self.weights = nn.Parameter(torch.randn(n_subjects, n_in, n_out) / math.sqrt(n_in))

    def forward(self, brain: Tensor, subject: Tensor) -> Tensor:
        """brain [batch, n_in, samples], subject [batch] int64 -> [batch, n_out, samples].

        Raises EarShotError for a subject that has no matrix.
        """
        n_subjects, n_in, _ = self.weights.shape
        check_shape("brain", brain, ("batch", n_in, "samples"), mend="Give it the channels it has.")
        if values_are_known():
            for number in subject.unique().tolist():
                if not 0 <= number < n_subjects:
                    raise EarShotError(
                        got=f"subject {number}",
                        expected=f"0 to {n_subjects - 1}: {n_subjects} were trained",
                        mend="Train with this subject's recordings among the others.",
                    )
        return self.weights[subject].transpose(1, 2) @ brain
