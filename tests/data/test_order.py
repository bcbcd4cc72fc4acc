from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.data.order import BatchOrder


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    n=st.integers(1, 200),
    size=st.integers(1, 40),
    seed=st.integers(0, 9),
    epoch=st.integers(0, 9),
    bucket=st.booleans(),
)
def test_every_clip_is_in_one_batch(n: int, size: int, seed: int, epoch: int, bucket: bool) -> None:
    lengths = [float(index % 7) for index in range(n)] if bucket else None
    order = BatchOrder(n, size, seed, lengths)
    whole, rest = order.epoch(epoch)
    assert sorted(np.concatenate([*whole, rest]).tolist()) == list(range(n))
    assert {len(batch) for batch in whole} == {min(n, size)}
    assert len(whole) == order.n_steps
    again, _ = order.epoch(epoch)
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))


def test_epochs_and_seeds_differ_and_mates_change() -> None:
    lengths = np.arange(400.0)

    def mates(seed: int, epoch: int) -> set[frozenset[int]]:
        return {frozenset(b.tolist()) for b in BatchOrder(400, 8, seed, lengths).epoch(epoch)[0]}

    assert not mates(0, 0) & mates(0, 1)
    assert not mates(0, 0) & mates(1, 0)


def test_lengths_in_a_batch_are_near() -> None:
    lengths = np.random.default_rng(0).uniform(0, 10, 640)
    spread = [np.ptp(lengths[b]) for b in BatchOrder(640, 16, 0, lengths).epoch(0)[0]]
    loose = [np.ptp(lengths[b]) for b in BatchOrder(640, 16, 0).epoch(0)[0]]
    assert np.mean(spread) < np.mean(loose) / 4


def test_lengths_do_not_rise_from_batch_to_batch() -> None:
    lengths = np.random.default_rng(0).uniform(0, 10, 640)
    batches, _ = BatchOrder(640, 16, 0, lengths).epoch(0)
    means = [lengths[batch].mean() for batch in batches]
    assert np.mean(np.diff(means) > 0) < 0.75  # 0.9 if each sorted run were left in order
