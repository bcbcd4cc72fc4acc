from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.data.rehearsal import at_least, herding, joined, quotas, refill, rehearsed


def slow_herding(features: np.ndarray, n: int) -> list[int]:
    """Algorithm 4 of iCaRL, one candidate at a time."""
    rows = [row / np.sqrt(sum(value**2 for value in row)) for row in features]
    mean = sum(rows) / len(rows)
    chosen: list[int] = []
    while len(chosen) < min(n, len(rows)):
        best, best_distance = -1, float("inf")
        for i, row in enumerate(rows):
            if i in chosen:
                continue
            total = row + sum((rows[j] for j in chosen), np.zeros_like(row))
            distance = np.sqrt(((mean - total / (len(chosen) + 1)) ** 2).sum())
            if distance < best_distance:
                best, best_distance = i, distance
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("seed", range(6))
def test_herding_is_the_slow_loop(seed: int) -> None:
    draw = np.random.default_rng(seed)
    features = draw.standard_normal((int(draw.integers(1, 20)), 4))
    for n in (0, 1, 5, 30):
        assert herding(features, n).tolist() == slow_herding(features, n)


def test_herding_comes_nearer_to_the_mean_than_chance() -> None:
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((200, 8)) + 1.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def distance(chosen: np.ndarray) -> float:
        return float(np.linalg.norm(rows[chosen].mean(0) - rows.mean(0)))

    by_chance = [distance(draw.permutation(200)[:10]) for _ in range(50)]
    assert distance(herding(rows, 10)) < 0.7 * min(by_chance)


@given(size=st.integers(0, 40), available=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_quotas_fill_the_memory_as_evenly_as_can_be(size: int, available: list[int]) -> None:
    shares = quotas(size, available)
    assert sum(shares) == min(size, sum(available))
    assert all(share <= most for share, most in zip(shares, available, strict=True))
    for one, other in itertools.permutations(range(len(shares)), 2):
        if shares[one] < available[one]:  # it could take more: nobody is two ahead
            assert shares[other] <= shares[one] + 1


def test_old_labels_give_way_from_the_end() -> None:
    memory = refill({}, {"a": ["a1", "a2", "a3", "a4"], "b": ["b1", "b2", "b3", "b4"]}, 6)
    assert memory == {"a": ("a1", "a2", "a3"), "b": ("b1", "b2", "b3")}
    memory = refill(memory, {"c": ["c1", "c2", "c3", "c4", "c5", "c6"]}, 6)
    assert memory == {"a": ("a1", "a2"), "b": ("b1", "b2"), "c": ("c1", "c2")}
    memory = refill(memory, {"d": ["d1"]}, 6)
    assert memory == {"a": ("a1", "a2"), "b": ("b1", "b2"), "c": ("c1",), "d": ("d1",)}
    assert refill({}, {}, 0) == {}


def loaders(n_new: int = 6, n_old: int = 2) -> tuple[BatchLoader, BatchLoader]:
    clips = [
        Clip(
            Audio(np.full(100 + 10 * i, i / 100, np.float32), 8_000),
            (f"word {i}",),
            ("old" if i < 5 else "new",),
            id=str(i),
        )
        for i in range(30)
    ]
    whole = ClipSet(clips)
    options = {"sample_rate": 8_000, "seed": 7, "workers": 0}
    new = BatchLoader(whole.select(lambda c: c.labels == ("new",)), batch_size=n_new, **options)
    old = BatchLoader(whole.select(lambda c: c.labels == ("old",)), batch_size=n_old, **options)
    return new, old


def test_every_batch_has_its_number_of_old_clips() -> None:
    for batch in itertools.islice(rehearsed(*loaders())(0), 12):
        assert [clip.labels[0] for clip in batch.clips] == ["new"] * 6 + ["old"] * 2
        for row, clip in enumerate(batch.clips):  # everything of a row stays together
            n = int(batch.n_samples[row])
            assert n == 100 + 10 * int(clip.id)
            assert torch.equal(batch.waveform[row, :n], torch.full((n,), int(clip.id) / 100))
            assert not batch.waveform[row, n:].any()
            assert batch.captions[row] == f"word {clip.id}"
            assert batch.target[row] == (1 if int(clip.id) < 5 else 0)  # "new" < "old"


@pytest.mark.parametrize("start", [1, 4, 9])
def test_a_later_start_goes_on_with_the_same_batches(start: int) -> None:
    whole = [b for b in itertools.islice(rehearsed(*loaders())(0), start + 3)]
    rest = [b for b in itertools.islice(rehearsed(*loaders())(start), 3)]
    for one, other in zip(whole[start:], rest, strict=True):
        assert [c.id for c in one.clips] == [c.id for c in other.clips]
        assert torch.equal(one.waveform, other.waveform)


def test_without_a_memory_the_batches_are_the_new_ones() -> None:
    new, _ = loaders()
    mixed = next(rehearsed(new, None)(3))
    assert [c.id for c in mixed.clips] == [c.id for c in next(new.batches(3)).clips]


def test_a_small_memory_is_repeated() -> None:
    assert at_least("ab", 5) == list("ababab")
    assert at_least("abc", 2) == list("abc")


def test_joining_one_batch_changes_nothing() -> None:
    new, _ = loaders()
    batch = next(new.batches(0))
    assert torch.equal(joined([batch]).waveform, batch.waveform)


def test_faults_are_sentences() -> None:
    with pytest.raises(EarShotError, match="finite numbers"):
        herding(np.array([[1.0, np.nan]]), 1)
    with pytest.raises(EarShotError, match=r"features of shape \[3\]"):
        herding(np.ones(3), 1)
