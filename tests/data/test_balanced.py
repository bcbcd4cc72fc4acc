from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.data.balanced import BalancedOrder

MEMBERS = st.lists(st.sets(st.integers(0, 19), min_size=1, max_size=8), min_size=1, max_size=6)


def order(members: list[set[int]], seed: int = 0) -> BalancedOrder:
    return BalancedOrder(tuple(tuple(sorted(each)) for each in members), 20, 6, seed)


def by_hand(members: tuple[tuple[int, ...], ...], n: int, queue: BalancedOrder) -> list[int]:
    """The queue kept as one: a pointer for each class, classes in the turns that `queue` has."""
    pointers, given_out = [0] * len(members), []
    for place in range(n):
        turn, position = divmod(place, len(members))
        which = int(queue._queue(turn)[position])
        given_out.append((which, pointers[which]))
        pointers[which] += 1
    return [queue._next_of(which, visit) for which, visit in given_out]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(members=MEMBERS, seed=st.integers(0, 5))
def test_classes_take_turns_and_each_gives_all_its_clips(
    members: list[set[int]], seed: int
) -> None:
    drawn = order(members, seed)
    n = len(members)
    rounds = 3 * max(map(len, members))
    assert drawn.draws(0, n * rounds).tolist() == by_hand(drawn.members, n * rounds, drawn)
    for turn in range(rounds):
        assert sorted(drawn._queue(turn)) == list(range(n))
    for which, clips in enumerate(drawn.members):
        given_out = [drawn._next_of(which, turn) for turn in range(rounds)]
        for start in range(0, rounds - len(clips) + 1, len(clips)):
            assert sorted(given_out[start : start + len(clips)]) == list(clips)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(members=MEMBERS, cuts=st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_any_part_is_found_without_what_comes_before(
    members: list[set[int]], cuts: tuple[int, int]
) -> None:
    first, end = sorted(cuts)
    whole = order(members).draws(0, 60)
    assert order(members).draws(first, end).tolist() == whole[first:end].tolist()
    batches = [batch for epoch in range(3) for batch in order(members).epoch(epoch)[0]]
    assert np.concatenate(batches).tolist() == order(members).draws(0, 54).tolist()


def labelled() -> ClipSet:
    """Twelve clips: ten of one class, one of another, one of both."""
    labels = [("common",)] * 10 + [("rare",), ("common", "rare")]
    sound = Audio(np.full(800, 0.1, np.float32), 8_000)
    return ClipSet(Clip(sound, labels=each, id=str(i)) for i, each in enumerate(labels))


def test_the_loader_gives_each_class_alike_and_goes_on_anywhere() -> None:
    def loader() -> BatchLoader:
        return BatchLoader(labelled(), batch_size=4, sample_rate=8_000, balanced=True, seed=3)

    batches = list(itertools.islice(loader().batches(), 30))
    counts = Counter(clip.id for batch in batches for clip in batch.clips)
    rare = counts["10"] + counts["11"]
    assert rare >= 60  # half of 120 draws are of the rare class; clip 11 also comes as common
    assert counts["10"] == 30
    later = list(itertools.islice(loader().batches(17), 5))
    assert [[c.id for c in b.clips] for b in later] == [
        [c.id for c in b.clips] for b in batches[17:22]
    ]
    plain = BatchLoader(labelled(), batch_size=4, sample_rate=8_000, seed=3)
    met = Counter(c.id for b in itertools.islice(plain.batches(), 30) for c in b.clips)
    assert met["10"] == 10


def test_processes_share_a_batch() -> None:
    one = BatchLoader(labelled(), batch_size=4, sample_rate=8_000, balanced=True)
    two = [
        BatchLoader(labelled(), batch_size=4, sample_rate=8_000, balanced=True, rank=rank, world=2)
        for rank in (0, 1)
    ]
    whole = [c.id for c in next(one.batches()).clips]
    assert whole == [c.id for each in two for c in next(each.batches()).clips]


def test_clips_without_labels_are_refused() -> None:
    sound = Audio(np.full(800, 0.1, np.float32), 8_000)
    bare = ClipSet([Clip(sound, id="a"), Clip(sound, id="b")])
    with pytest.raises(EarShotError, match="2 clips without a label"):
        next(BatchLoader(bare, batch_size=1, sample_rate=8_000, balanced=True).batches())
