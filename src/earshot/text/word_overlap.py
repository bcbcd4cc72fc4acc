"""How alike groups of phrases are by the words that they share: no model, no training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from earshot.text.lexicon import stem

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def word_overlap(groups: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> np.ndarray:
    """Cosines [groups, others], 0 to 1, of stems weighted by how few of all groups have them.

    A weight is log(n / number of groups with the stem), so that a word that all have counts
    nothing; a group without any other word has cosine 0 to all.
    """
    bags = [Counter(stem(word) for text in group for word in _WORD.findall(text.lower()))
            for group in (*groups, *others)]  # fmt: skip
    places = {word: i for i, word in enumerate(sorted({word for bag in bags for word in bag}))}
    rows = np.zeros((len(bags), len(places)))
    for row, bag in zip(rows, bags, strict=True):
        for word, count in bag.items():
            row[places[word]] = count
    rows *= np.log(len(bags) / np.maximum((rows > 0).sum(0), 1))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows[: len(groups)] @ rows[len(groups) :].T
