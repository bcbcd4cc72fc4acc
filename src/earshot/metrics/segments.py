"""Which of many segments was heard: top-k accuracy, by segment and by word, beside chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array, indices_below

TOP = (1, 5, 10)


def segment_accuracy(scores: ArrayLike, own: ArrayLike) -> dict[str, float]:
    """The share of windows whose own segment is among the first k, as `top1`, `top5`, `top10`.

    scores [windows, candidates], higher is better; own [windows]: each one's candidate. A tie
    counts against it. `chance_top10` and the others are what blind ranking comes to: k over the
    number of candidates. Source: arXiv:2208.12266, Methods.
    """
    rank = segment_ranks(scores, own)
    n_candidates = np.shape(scores)[1]
    figures = {f"top{k}": float((rank <= k).mean()) for k in TOP}
    return figures | {f"chance_top{k}": min(1.0, k / n_candidates) for k in TOP}


def segment_ranks(scores: ArrayLike, own: ArrayLike) -> np.ndarray:
    """The rank of every window's own candidate, 1 is best: [windows]."""
    table = finite_array("scores", scores, n_dims=2)
    column = indices_below("own", own, n=len(table), below=table.shape[1])
    mine = np.take_along_axis(table, column[:, None], axis=1)  # [windows, 1]
    return (table >= mine).sum(axis=1)


def word_accuracy(scores: ArrayLike, own: ArrayLike, words: Sequence[str]) -> dict[str, float]:
    """The same by word: the probability of a word is that of all segments that begin with it.

    words [candidates]: of each. Probabilities are the softmax of a window's scores. Gives
    `word_top1`, `word_top5`, `word_top10` and their chance, which counts every word once.
    """
    table = finite_array("scores", scores, n_dims=2)
    column = indices_below("own", own, n=len(table), below=table.shape[1])
    if len(words) != table.shape[1]:
        raise EarShotError(
            got=f"{len(words)} words for {table.shape[1]} candidates",
            expected="a word a candidate",
            mend="Pass the word at the onset of every candidate.",
        )
    known = sorted(set(words))
    place = np.array([known.index(word) for word in words])  # [candidates]
    weights = np.exp(table - table.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    sums = weights @ np.eye(len(known))[place]  # [windows, words]
    rank = segment_ranks(sums, place[column])
    figures = {f"word_top{k}": float((rank <= k).mean()) for k in TOP}
    return figures | {f"chance_word_top{k}": min(1.0, k / len(known)) for k in TOP}
