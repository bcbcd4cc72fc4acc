"""Words hidden while training: against captions that say everything twice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError


class TokenMask(nn.Module):
    """Puts `mask_id` in the place of each token with a probability, while training.

    Padding and the ids of `kept` (start, end) stay. Draws from torch's own generator. Source:
    arXiv:2411.18953, text masking at 0.25 (its code is not released).
    """

    def __init__(self, mask_id: int, probability: float = 0.25, kept: Sequence[int] = ()) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise EarShotError(
                got=f"a masking probability of {probability:g}",
                expected="from 0 to below 1",
                mend="The paper takes 0.25.",
            )
        self.mask_id, self.probability, self.kept = mask_id, probability, tuple(kept)

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """tokens [batch, tokens] int64, padding [batch, tokens] -> tokens of the same shape."""
        if not self.training or self.probability == 0:
            return tokens
        hidden = (torch.rand(tokens.shape) < self.probability).to(tokens.device) & ~padding
        for each in self.kept:
            hidden &= tokens != each
        return tokens.masked_fill(hidden, self.mask_id)
