from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.metrics import TRIPLE_CHANCE, TWIN_CHANCE, twin_scores

FEW = settings(deadline=None, derandomize=True, max_examples=60)


@FEW
@given(st.integers(0, 10_000), st.integers(2, 3))
def test_scores_by_every_comparison_spelt_out(seed: int, n: int) -> None:
    s = np.random.default_rng(seed).integers(0, 4, (5, n, n))  # small numbers: ties are frequent
    found = twin_scores(s)
    for item in range(5):
        others = [(i, j) for i in range(n) for j in range(n) if i != j]
        text = all(s[item, j, j] > s[item, i, j] for i, j in others)  # clip j: its own caption
        audio = all(s[item, i, i] > s[item, i, j] for i, j in others)
        assert found.solved["text"][item] == text
        assert found.solved["audio"][item] == audio
        assert found.solved["group"][item] == (text and audio)


def test_the_pair_s_rule_as_the_paper_words_it() -> None:
    s = [[[0.9, 0.8], [0.5, 0.6]]]  # s(C0,A0) .9, s(C0,A1) .8, s(C1,A0) .5, s(C1,A1) .6
    # text: .9 > .5, but .6 < .8; audio: .9 > .8 and .6 > .5
    assert twin_scores(s).values == {"text": 0.0, "audio": 1.0, "group": 0.0}
    assert twin_scores(np.transpose(s, (0, 2, 1))).values["text"] == 1.0


def test_ties_are_failures_and_chance_is_what_random_scores_give() -> None:
    assert set(twin_scores(np.ones((4, 2, 2))).values.values()) == {0.0}
    draw = np.random.default_rng(0)
    pairs = twin_scores(draw.random((40_000, 2, 2)))
    assert pairs.values == pytest.approx(TWIN_CHANCE, abs=0.01)
    triples = twin_scores(draw.random((40_000, 3, 3)))
    for name, chance in TRIPLE_CHANCE.items():
        assert triples.values[name] == pytest.approx(chance, abs=0.005)


def test_intervals_hold_the_figures() -> None:
    found = twin_scores(np.random.default_rng(1).random((300, 2, 2)))
    for name, interval in found.intervals().items():
        assert interval.low < interval.value < interval.high
        assert interval.value == found.values[name]


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 1, 1), (4, 4), (0, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EarShotError, match="shape"):
        twin_scores(np.zeros(shape))
