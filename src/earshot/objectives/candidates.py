"""Cross-entropy in which every candidate counts as much as it is told to."""

from __future__ import annotations

import torch
from torch import Tensor


def contrast(logits: Tensor, positives: Tensor, counted: Tensor) -> Tensor:
    """Loss in nats of each row [rows] of logits [rows, columns].

    positives [rows, columns]: how much each candidate is right, normalised here; every row has one.
    counted [rows, columns]: how many times a candidate stands in the denominator; 0 leaves it out,
    which is what a false negative wants. Each positive must be counted.
    """
    target = positives / positives.sum(1, keepdim=True)
    denominator = torch.logsumexp(logits + counted.log(), 1)  # log 0 is -inf: not there
    return denominator - (target * logits).sum(1)
