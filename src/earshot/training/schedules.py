"""The learning rate over the steps of a run, as a factor of its peak."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "constant", "inverse_sqrt", "linear", "tri_stage"]

HELD, FINAL_SCALE = 0.5, 0.05  # of the three stages: where the second ends, where the third does


def learning_rate_factor(step: int, *, steps: int, warmup_steps: int, schedule: Schedule) -> float:
    """Factor in [0, 1] for update `step` (from 0) of `steps`: a line up, then down or flat.

    The warm-up reaches 1 at update `warmup_steps - 1`; the cosine would reach 0 at update `steps`,
    which is not taken, so that every update moves the weights; so would the line. The inverse
    square root is half the peak at four times the warm-up. Of the three stages the second is flat
    up to half of the steps, and the third falls exponentially to 0.05 of the peak.
    Source: arXiv:2211.06687, section 4.1; the cosine is arXiv:1608.03983, Eq. 5, no restarts; the
    inverse square root is arXiv:1706.03762, section 5.3; the line and the three stages are those
    of pre-training and fine-tuning in arXiv:2006.11477, section 4.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    if schedule == "inverse_sqrt":
        return math.sqrt(max(1, warmup_steps) / (step + 1))
    if schedule == "tri_stage":
        falling = (step - HELD * steps) / max(1.0, (1 - HELD) * steps)
        return FINAL_SCALE ** max(0.0, falling)
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    if schedule == "linear":
        return max(0.0, 1.0 - done)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
