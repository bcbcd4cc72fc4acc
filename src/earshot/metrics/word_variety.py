"""How varied a set of captions is."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.metrics.bleu import n_grams


def distinct(captions: Sequence[Sequence[str]], n: int) -> float:
    """Different n-grams over all n-grams of the captions' words, 0 to 1; NaN without an n-gram.

    Source: arXiv:1510.03055, Sec. 5.
    """
    grams = [n_grams(words, n) for words in captions]
    n_all = sum(each.total() for each in grams)
    return len({gram for each in grams for gram in each}) / n_all if n_all else float("nan")


def vocabulary_figures(
    candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> dict[str, float]:
    """Different words of the candidates, as `vocabulary` and over those of all references, and how
    much of either vocabulary is in the other one."""
    mine = {word for words in candidates for word in words}
    theirs = {word for clip in references for words in clip for word in words}
    shared = len(mine & theirs)
    return {
        "vocabulary": float(len(mine)),
        "vocabulary_ratio": len(mine) / len(theirs),
        "vocabulary_precision": shared / len(mine) if mine else 0.0,
        "vocabulary_recall": shared / len(theirs),
    }
