"""ROUGE-L: the longest row of words that a candidate shares with a reference."""

from __future__ import annotations

from collections.abc import Sequence

BETA = 1.2  # what recall is worth beside precision


def rouge_l(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """0 to 1. The best precision and the best recall over the references, not of one of them.

    Source: Lin 2004, Eqs. 2-4, as the COCO caption tools compute it. An empty candidate is worth 0.
    """
    shared = [(common_words(candidate, each), len(each)) for each in references]
    if not candidate or not any(n for n, _ in shared):
        return 0.0
    precision = max(n / len(candidate) for n, _ in shared)
    recall = max(n / n_words for n, n_words in shared if n_words)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common_words(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest row of words, not necessarily neighbours, that both have."""
    before = [0] * (len(other) + 1)
    for word in one:
        now = [0]
        for column, against in enumerate(other, start=1):
            longest = before[column - 1] + 1 if word == against else max(before[column], now[-1])
            now.append(longest)
        before = now
    return before[-1]
