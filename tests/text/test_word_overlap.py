from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.word_overlap import word_overlap

VOCABULARY = ["low", "high", "hiss", "rattle", "steady", "bark"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=4)
GROUPS = st.lists(WORDS.map(lambda words: [" ".join(words)]), min_size=1, max_size=4)


def test_shared_words_make_alike_and_stems_meet() -> None:
    groups = [["a low hissing rush"], ["a sharp bark"], ["clicks"]]
    found = word_overlap(groups, [["low hisses"], ["two barks"]])
    assert found.shape == (3, 2)
    assert found[0, 0] > 0.5 > found[0, 1] == 0
    assert found[1, 1] > found[1, 0] == 0
    assert found[2].tolist() == [0, 0]


def test_a_word_that_all_have_counts_nothing() -> None:
    assert word_overlap([["a hum"], ["a buzz"]], [["a click"]]).tolist() == [[0.0], [0.0]]


@given(GROUPS, GROUPS)
@settings(deadline=None, derandomize=True, max_examples=50)
def test_cosines_turn_round_and_stay_between_0_and_1(one: list, other: list) -> None:
    found = word_overlap(one, other)
    np.testing.assert_allclose(found, word_overlap(other, one).T, atol=1e-12)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-9
