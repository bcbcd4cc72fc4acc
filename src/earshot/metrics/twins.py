"""Twin pairs: whether a model tells two clips and two captions apart that differ in order alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.bootstrap import Interval, mean_interval
from earshot.metrics.finite import finite_array

TWIN_CHANCE = {"text": 1 / 4, "audio": 1 / 4, "group": 1 / 6}  # of two clips, by random scores
TRIPLE_CHANCE = {"text": 1 / 27, "audio": 1 / 27}  # of three clips; none is known for the group


@dataclass(frozen=True)
class TwinScores:
    """Which items are solved, by score: text, audio and group, each [items] of 0.0 and 1.0."""

    solved: dict[str, NDArray[np.float64]]

    @property
    def values(self) -> dict[str, float]:
        """The share of items solved, 0 to 1."""
        return {name: float(hits.mean()) for name, hits in self.solved.items()}

    def intervals(self, *, seed: int = 0) -> dict[str, Interval]:
        """The shares with 95 % intervals by a bootstrap over items."""
        return {name: mean_interval(hits, seed=seed) for name, hits in self.solved.items()}


def twin_scores(similarity: ArrayLike) -> TwinScores:
    """Text, audio and group score of items with n clips and their n captions, n = 2 or 3.

    similarity [items, n captions, n clips]: caption i is true of clip i alone; higher is closer.
    text: every clip is closest to its own caption; audio: every caption is closest to its own clip;
    group: both. A tie is a failure. Chance: TWIN_CHANCE and TRIPLE_CHANCE.
    Source: arXiv:2310.08753, Sec. 3; its triples have no published score, and this is the pair's
    rule for three.
    """
    scores = finite_array("similarity", similarity, n_dims=3)
    n = scores.shape[1]
    if scores.shape[2] != n or n < 2:
        raise EarShotError(
            got=f"similarity of shape {list(scores.shape)}",
            expected="shape [items, 2, 2], or [items, 3, 3] for triples",
            mend="Pass the scores of each item's captions against its clips.",
        )
    own = np.diagonal(scores, axis1=1, axis2=2)  # [items, n]
    others = np.where(np.eye(n, dtype=bool), -np.inf, scores)
    text = (own > others.max(axis=1)).all(axis=1)  # over captions, for each clip
    audio = (own > others.max(axis=2)).all(axis=1)
    solved = {"text": text, "audio": audio, "group": text & audio}
    return TwinScores({name: hits.astype(np.float64) for name, hits in solved.items()})
