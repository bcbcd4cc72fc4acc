"""Text-audio retrieval: recall, ranks and average precision, several captions a clip.

A tie counts against the right answer, so that a collapsed model scores what it deserves: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array, indices_below

RECALL_AT = (1, 5, 10)
DEPTH = 10  # of mAP and nDCG


@dataclass(frozen=True)
class Retrieval:
    """One direction: the figure of every query by name, and `rank`, that of its best answer."""

    per_query: dict[str, NDArray[np.float64]]
    query_clip: NDArray[np.int64]  # [queries], the clip a query belongs to: resample by it

    @property
    def values(self) -> dict[str, float]:
        """The figures: means over the queries, and the median rank (1 is best)."""
        figures = {name: float(x.mean()) for name, x in self.per_query.items() if name != "rank"}
        return figures | {"median_rank": float(np.median(self.per_query["rank"]))}


def text_to_audio(similarity: ArrayLike, clip_of_text: ArrayLike) -> Retrieval:
    """Each text queries the clips; its one right answer is the clip it describes.

    similarity [texts, clips]: higher is closer. clip_of_text [texts]: column of each text's clip.
    Source: the evaluation of arXiv:2211.06687, section 4.
    """
    scores = finite_array("similarity", similarity, n_dims=2)
    owner = indices_below("clip_of_text", clip_of_text, n=len(scores), below=scores.shape[1])
    own = np.take_along_axis(scores, owner[:, None], axis=1)  # [texts, 1]
    rank = (scores >= own).sum(axis=1)  # itself included: 1 is best
    return Retrieval(_figures([np.array([r]) for r in rank]), owner)


def audio_to_text(similarity: ArrayLike, clip_of_text: ArrayLike) -> Retrieval:
    """Each clip queries the texts; all of its own captions are right answers.

    similarity [texts, clips]: the same matrix as for `text_to_audio`. R@k: any own caption among
    the first k. mAP@10: the sum over own captions among the first ten, sorted by rank, of their
    order over their rank, divided by the number of own captions (at most ten).
    Source: the evaluation of arXiv:2211.06687, section 4. Differs: ranks are sorted, as its text
    says and its released code does not.
    """
    scores = finite_array("similarity", similarity, n_dims=2).T  # [clips, texts]
    owner = indices_below("clip_of_text", clip_of_text, n=scores.shape[1], below=len(scores))
    ranks = []
    for clip, row in enumerate(scores):
        mine = owner == clip
        if not mine.any():
            raise EarShotError(
                got=f"clip {clip}, which has no caption",
                expected="at least one caption per clip",
                mend="Leave clips without captions out of the evaluation.",
            )
        own = np.sort(row[mine])[::-1]  # best first
        others = np.sort(row[~mine])
        better = len(others) - np.searchsorted(others, own, side="left")  # ties count against
        ranks.append(better + np.arange(1, len(own) + 1))
    return Retrieval(_figures(ranks), np.arange(len(scores)))


def _figures(ranks: list[NDArray[np.int64]]) -> dict[str, NDArray[np.float64]]:
    """Per query figures from the sorted ranks (1 is best) of its right answers."""
    best = np.array([r[0] for r in ranks], dtype=np.float64)
    figures = {f"R@{k}": (best <= k).astype(np.float64) for k in RECALL_AT}
    figures[f"mAP@{DEPTH}"] = np.array([_average_precision(r) for r in ranks])
    figures[f"nDCG@{DEPTH}"] = np.array([_ndcg(r) for r in ranks])
    figures["MRR"] = 1.0 / best
    figures["rank"] = best
    return figures


def _average_precision(ranks: NDArray[np.int64]) -> float:
    order = np.arange(1, len(ranks) + 1)
    return float((order / ranks)[ranks <= DEPTH].sum() / min(len(ranks), DEPTH))


def _ndcg(ranks: NDArray[np.int64]) -> float:
    gained = (1.0 / np.log2(1.0 + ranks[ranks <= DEPTH])).sum()
    ideal = (1.0 / np.log2(1.0 + np.arange(1, min(len(ranks), DEPTH) + 1))).sum()
    return float(gained / ideal)
