from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.text.vocabulary import Vocabulary
from earshot.training.spoken_batches import (
    Spoken,
    SpokenBatches,
    collate_spoken,
    language_shares,
)


def spoken(language: str, n: int) -> list[Spoken]:
    rng = np.random.default_rng(n)
    return [
        Spoken(np.full((2, int(rng.integers(3, 20))), i, dtype=np.float32), "ab"[: i % 3], language,
               f"{language}{i}", 1.0)
        for i in range(n)
    ]  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=50)
@given(counts=st.lists(st.integers(1, 500), min_size=1, max_size=5), alpha=st.floats(0, 1))
def test_shares_are_the_closed_form(counts: list[int], alpha: float) -> None:
    shares = language_shares({str(i): n for i, n in enumerate(counts)}, alpha)
    weight = np.array([n / sum(counts) for n in counts]) ** alpha
    np.testing.assert_allclose(list(shares.values()), weight / weight.sum(), rtol=1e-9)


def test_small_languages_are_drawn_more_often_than_they_are_large() -> None:
    both = [*spoken("large", 160), *spoken("small", 40)]
    batches = SpokenBatches(both, batch_size=8, seed=0, alpha=0.5)
    assert batches.shares["small"] == pytest.approx(1 / 3)
    drawn = [both[i].language for rows in islice(batches.rows(), 400) for i in rows]
    assert Counter(drawn)["small"] / len(drawn) == pytest.approx(1 / 3, abs=0.03)
    ids = Counter(both[i].id for rows in islice(batches.rows(), 80) for i in rows)
    large = [n for name, n in ids.items() if name.startswith("large")]
    assert max(large) - min(large) <= 1  # all of them once before any comes again
    assert len(large) == 160


def test_a_run_that_goes_on_sees_what_it_would_have() -> None:
    both = [*spoken("a", 30), *spoken("b", 9)]
    words = Vocabulary.learn(["ab"], "characters")
    batches = SpokenBatches(both, words, batch_size=4, seed=3)
    whole = list(islice(batches.batches(), 40))
    again = list(islice(batches.batches(25), 15))
    assert [each.step for each in whole] == list(range(40))
    for one, other in zip(whole[25:], again, strict=True):
        assert one.step == other.step
        assert torch.equal(one.frames, other.frames)
        assert torch.equal(one.symbols, other.symbols)


def test_processes_share_every_batch() -> None:
    both = spoken("a", 30)
    whole = SpokenBatches(both, batch_size=6, seed=1)
    parts = [SpokenBatches(both, batch_size=6, seed=1, rank=r, world=2) for r in (0, 1)]
    one = next(whole.batches()).frames[:, 0, 0]
    shares = [next(part.batches()).frames[:, 0, 0] for part in parts]
    assert torch.equal(torch.stack(shares, 1).flatten(), one)


def test_a_batch_pads_with_zeros() -> None:
    words = Vocabulary.learn(["ab"], "characters")
    two = [
        Spoken(np.ones((3, 5), np.float32), "ab", "x", "0", 0.05),
        Spoken(np.ones((3, 2), np.float32), "a", "x", "1", 0.02),
    ]
    batch = collate_spoken(two, words).to("cpu")
    assert batch.n_frames.tolist() == [5, 2]
    assert batch.frames[1].sum() == 6
    assert batch.n_symbols.tolist() == [2, 1]
    assert collate_spoken(two, None).symbols.shape == (2, 0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(EarShotError, match="at least one utterance"):
        SpokenBatches([], batch_size=4, seed=0)
    with pytest.raises(EarShotError, match="alpha from 0 to 1"):
        language_shares({"a": 3}, 1.5)
    with pytest.raises(EarShotError, match="a share of each language"):
        SpokenBatches(spoken("a", 4), batch_size=2, seed=0, shares={"b": 1.0})
