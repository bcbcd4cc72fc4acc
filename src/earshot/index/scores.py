"""What a cosine means here: how far it stands out of the user's own sounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

ENOUGH = 20  # sounds; of fewer the spread is not known well enough to speak of chance
MIN_SPREAD = 0.01  # cosine; a folder of copies has no spread of its own
FEW_SPREAD = 0.05  # cosine; taken where there are too few sounds to measure one
EXPECTED_BY_CHANCE = 0.1  # hits as good that a folder without the sound may hold; more is nothing


@dataclass(frozen=True)
class Background:
    """The scores of one query over all sounds, nearly all of which are something else."""

    centre: float  # cosine, the median
    spread: float  # cosine, the standard deviation of the sounds below the median
    n_sounds: int

    @classmethod
    def of(cls, scores: ArrayLike) -> Background:
        """From the best cosine of every sound. The sounds that fit lie above the median, so the
        spread is measured below it.
        """
        values = np.asarray(scores, dtype=np.float64)
        if not len(values):
            return cls(0.0, FEW_SPREAD, 0)
        centre = float(np.median(values))
        below = values[values <= centre] - centre
        spread = math.sqrt(float((below**2).mean()))
        floor = MIN_SPREAD if len(values) >= ENOUGH else FEW_SPREAD
        return cls(centre, max(spread, floor), len(values))

    @property
    def is_known(self) -> bool:
        """True when there are enough sounds to speak of chance."""
        return self.n_sounds >= ENOUGH

    def z(self, score: float) -> float:
        """How many spreads `score` lies above the middle."""
        return (score - self.centre) / self.spread

    def false_alarm(self, score: float) -> float:
        """Chance that some other sound scores this high, if the background is normal: 0 to 1."""
        return 0.5 * math.erfc(self.z(score) / math.sqrt(2))

    def stands_out(self, score: float) -> bool:
        """True when that many sounds would hardly hold one as good by chance."""
        return self.n_sounds * self.false_alarm(score) <= EXPECTED_BY_CHANCE
