from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.data.event_batches import EventBatch, EventBatches, partners

RATE = 8_000
TONES = {"bell": 3_000, "cat": 1_500, "dog": 750, "rain": 300}
LABELS = tuple(TONES)


def clips(n_each: int = 4) -> ClipSet:
    time_s = np.arange(RATE // 4) / RATE
    return ClipSet(
        Clip(
            Audio((0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), RATE),
            labels=(label,),
            captions=(f"the sound of a {label}",),
            id=f"{label}-{take}",
        )
        for (label, hz), take in itertools.product(TONES.items(), range(n_each))
    )


def batches(n_pairs: int = 4, base: bool = False, **options: Any) -> EventBatches:
    def loader(size: int) -> BatchLoader:
        return BatchLoader(clips(), batch_size=size, sample_rate=RATE, bucket=False, workers=0)

    own = loader(5) if base else None
    return EventBatches(loader(2 * n_pairs), LABELS, seed=0, base=own, **options)


def heard(waveform: torch.Tensor) -> str:
    """Which tones lie in the waveform, and in which order, as the caption's meaning."""

    def loud(part: np.ndarray) -> list[str]:
        energy = {
            label: abs(np.exp(-2j * np.pi * hz * np.arange(len(part)) / RATE) @ part) / len(part)
            for label, hz in TONES.items()
        }
        most = max(energy.values())
        return sorted(label for label, value in energy.items() if value > 0.03 * most)

    wave = waveform.numpy()
    start, end = loud(wave[: len(wave) * 2 // 5]), loud(wave[-len(wave) * 2 // 5 :])
    return f"{start[0]} {end[0]}" if len(start) == len(end) == 1 else f"while {' '.join(start)}"


def said(caption: str) -> str:
    """The meaning of a caption, as `heard` writes it."""
    words = caption.split()
    events = [word for word in words if word in TONES]
    if "while" in words:
        return f"while {' '.join(sorted(events))}"
    if len(events) == 1:
        events *= 2
    return " ".join(events[::-1] if "after" in words else events)


def one(batch: EventBatch, row: int) -> torch.Tensor:
    return batch.waveform[row, : batch.n_samples[row]]


@pytest.mark.parametrize("twins", [True, False])
def test_captions_of_order_are_true_and_meanings_tell_them_apart(twins: bool) -> None:
    words = set()
    for _, batch in zip(range(3), batches(twins=twins).orders(), strict=False):
        assert len(batch.captions) == 12
        for row, caption in enumerate(batch.captions):
            assert said(caption) == heard(one(batch, row)), caption
            words |= set(caption.split())
        same = batch.meanings[:, None] == batch.meanings[None]
        told = [said(caption) for caption in batch.captions]
        assert same.tolist() == [[a == b for b in told] for a in told]
        if twins:
            for start in range(0, 12, 3):
                assert len(set(told[start : start + 3])) == 3
                assert told[start].split()[::-1] == told[start + 1].split()
    assert {"before", "after", "while"} <= words


def test_the_control_shuffles_captions_within_a_pair_and_meanings_with_them() -> None:
    wrong = 0
    for _, batch in zip(range(4), batches(shuffled=True).orders(), strict=False):
        told = [said(caption) for caption in batch.captions]
        sounds = [heard(one(batch, row)) for row in range(12)]
        wrong += sum(a != b for a, b in zip(told, sounds, strict=True))
        for start in range(0, 12, 3):
            assert sorted(told[start : start + 3]) == sorted(sounds[start : start + 3])
        same = batch.meanings[:, None] == batch.meanings[None]
        assert same.tolist() == [[a == b for b in told] for a in told]
    assert wrong > 48 / 3


def test_one_or_two_says_what_is_there() -> None:
    both = set()
    for _, batch in zip(range(3), batches(base=True).one_or_two(), strict=False):
        for row, caption in enumerate(batch.captions):
            events = [word for word in caption.split() if word in TONES]
            assert [LABELS[i] for i in batch.labels_hot[row].nonzero()] == sorted(events)
            assert len(events) == (2 if row % 3 == 2 else 1)
            sound = heard(one(batch, row))
            assert set(sound.split()) - {"while"} == set(events)
            both.add(sound.startswith("while"))
        assert len(batch.base.captions) == 5
        assert all(caption.startswith("the sound of a") for caption in batch.base.captions)
    assert both == {True, False}  # at once, and after each other


@pytest.mark.parametrize("stage", ["one_or_two", "orders"])
def test_any_step_can_be_the_first(stage: str) -> None:
    whole = [b for _, b in zip(range(5), getattr(batches(base=True), stage)(), strict=False)]
    late = next(iter(getattr(batches(base=True), stage)(4)))
    assert torch.equal(late.waveform, whole[4].waveform)
    assert late.captions == whole[4].captions
    assert late.base.captions == whole[4].base.captions
    assert late.captions != whole[3].captions


@settings(deadline=None, derandomize=True, max_examples=60)
@given(events=st.lists(st.integers(0, 5), min_size=2, max_size=20), seed=st.integers(0, 99))
def test_partners_differ_where_they_can(events: list[int], seed: int) -> None:
    pairs = partners(events, np.random.default_rng(seed))
    used = [i for pair in pairs for i in pair]
    assert len(used) == len(set(used)) == len(events) // 2 * 2
    most = max(events.count(event) for event in events)
    if most <= len(events) // 2:
        assert all(events[a] != events[b] for a, b in pairs)


def test_an_odd_batch_is_refused() -> None:
    odd = BatchLoader(clips(), batch_size=5, sample_rate=RATE)
    with pytest.raises(EarShotError, match="two clips a pair"):
        EventBatches(odd, LABELS, seed=0)
