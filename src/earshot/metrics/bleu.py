"""BLEU-1 to BLEU-4 from counts that can be added up over clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

N_GRAMS = 4
_TINY, _SMALL = 1e-15, 1e-9  # of the COCO caption tools: no other smoothing


def bleu_counts(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> NDArray:
    """What BLEU needs to know of a clip, [10]: n-grams of 1 to 4 words that match, n-grams that
    there are, words of the candidate, words of the reference of the closest length.

    An n-gram counts as often as the reference that has most of it; of two references as close the
    shorter one is taken.
    """
    n_matching, n_there = [], []
    for n in range(1, N_GRAMS + 1):
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= n_grams(reference, n)
        n_matching.append((n_grams(candidate, n) & most).total())
        n_there.append(max(0, len(candidate) - n + 1))
    closest = min((abs(len(each) - len(candidate)), len(each)) for each in references)[1]
    return np.array([*n_matching, *n_there, len(candidate), closest], np.float64)


def bleu(counts: NDArray) -> NDArray[np.float64]:
    """BLEU-1 to BLEU-4 [4] of counts [10] that were summed over the clips of a corpus.

    Source: Papineni et al. 2002, with the constants of arXiv:1504.00325.
    """
    matching, there = counts[:N_GRAMS], counts[N_GRAMS : 2 * N_GRAMS]
    precision = (matching + _TINY) / (there + _SMALL)
    mean = np.cumprod(precision) ** (1 / np.arange(1, N_GRAMS + 1))
    ratio = (counts[-2] + _TINY) / (counts[-1] + _SMALL)
    return mean * (np.exp(1 - 1 / ratio) if ratio < 1 else 1.0)


def n_grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each row of `n` words occurs."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
