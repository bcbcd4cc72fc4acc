from __future__ import annotations

import math
from collections import Counter

import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.translation import translation_figures

REFERENCES = ["a house cat sits here", "the red car is over there now", "two dogs run by the river"]
WRITTEN = ["a house cat sits here", "the red car is there now", "two dogs run to a river"]


def slow_bleu(written: list[str], references: list[str]) -> float:
    logs = []
    for n in range(1, 5):
        met = total = 0
        for one, two in zip(written, references, strict=True):
            grams = [
                Counter(zip(*(t.split()[i:] for i in range(n)), strict=False)) for t in (one, two)
            ]
            met += sum((grams[0] & grams[1]).values())
            total += sum(grams[0].values())
        logs.append(math.log(met / total))
    lengths = [sum(len(text.split()) for text in texts) for texts in (written, references)]
    return 100 * math.exp(sum(logs) / 4 + min(0.0, 1 - lengths[1] / lengths[0]))


def test_bleu_is_that_of_a_slow_count() -> None:
    figures = translation_figures(WRITTEN, REFERENCES, tokenize="none")
    assert figures["bleu"] == pytest.approx(slow_bleu(WRITTEN, REFERENCES), rel=1e-6)
    assert 0 < figures["bleu"] < 100 > figures["chrf"] > 0


def test_what_is_right_is_a_hundred_and_what_is_wrong_is_little() -> None:
    assert translation_figures(REFERENCES, REFERENCES) == pytest.approx({"bleu": 100, "chrf": 100})
    wrong = translation_figures(["zz"] * 3, REFERENCES)
    assert max(wrong.values()) < 1


def test_texts_and_references_must_pair() -> None:
    with pytest.raises(EarShotError, match="3 texts and 2 references"):
        translation_figures(WRITTEN, REFERENCES[:2])
    with pytest.raises(EarShotError, match="0 texts"):
        translation_figures([], [])
