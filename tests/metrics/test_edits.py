from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.metrics.edits import edit_distance, error_rate

WORDS = st.text("abc", max_size=7)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(one=WORDS, two=WORDS)
def test_it_is_the_least_of_all_ways(one: str, two: str) -> None:
    @cache
    def slow(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        same = slow(i - 1, j - 1) + (one[i - 1] != two[j - 1])
        return min(slow(i - 1, j) + 1, slow(i, j - 1) + 1, same)

    assert edit_distance(one, two) == slow(len(one), len(two)) == edit_distance(two, one)


def test_rates_count_over_all_references() -> None:
    written = [["a", "house", "cat"], ["a", "dog", "here"]]
    references = [["a", "house", "cat"], ["the", "dog"]]
    assert error_rate(written, references) == pytest.approx(2 / 5)
    with pytest.raises(EarShotError, match="a token among the references"):
        error_rate([["a"]], [[]])
    with pytest.raises(EarShotError, match="2 texts and 1 references"):
        error_rate(written, references[:1])
