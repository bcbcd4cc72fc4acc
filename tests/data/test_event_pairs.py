from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.data.event_pairs import draw_pairs, single_label_clips, versions_of

RATE = 8_000
SOUND = Audio(np.ones(8, np.float32), RATE)


def clips(n_labels: int = 5, n_each: int = 4) -> list[Clip]:
    return [
        Clip(SOUND, labels=(f"label {label}",), id=f"{label}-{take}")
        for label, take in itertools.product(range(n_labels), range(n_each))
    ]


def test_pairs_are_of_two_labels_and_no_two_recordings_meet_twice() -> None:
    pairs = draw_pairs(clips(), 60, seed=1)
    met = Counter(frozenset((pair.first.id, pair.second.id)) for pair in pairs)
    assert len(pairs) == 60
    assert max(met.values()) == 1
    couples = Counter(frozenset((p.first.labels[0], p.second.labels[0])) for p in pairs)
    assert all(len(couple) == 2 for couple in couples)
    assert set(couples.values()) == {6}  # ten couples of labels, as often as each other
    first = sum(pair.first.labels < pair.second.labels for pair in pairs)
    assert 15 < first < 45


def test_the_same_seed_draws_the_same_pairs_and_there_are_only_so_many() -> None:
    assert draw_pairs(clips(), 30, seed=1) == draw_pairs(clips(), 30, seed=1)
    assert draw_pairs(clips(), 30, seed=1) != draw_pairs(clips(), 30, seed=2)
    assert len(draw_pairs(clips(3, 2), 500, seed=0)) == 3 * 4
    with pytest.raises(EarShotError, match="Ask for 200"):
        draw_pairs(clips(), 0, seed=0)


def test_versions_hold_both_sounds_in_their_order_at_one_peak_and_length() -> None:
    time_s = np.arange(RATE // 2) / RATE
    low, high = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (250, 1_500))
    versions = versions_of(0.1 * low, 0.8 * high[: RATE // 4], RATE)
    forward, reverse, overlap = versions
    assert len({len(each) for each in versions}) == 1
    assert all(np.abs(each).max() == pytest.approx(0.5, abs=1e-5) for each in versions)

    def energy(part: np.ndarray, hz: float) -> float:
        return abs(np.exp(-2j * np.pi * hz * np.arange(len(part)) / RATE) @ part) / len(part)

    n = RATE // 5
    start, end = (lambda wave: wave[:n]), (lambda wave: wave[-n:])
    assert energy(start(forward), 250) > 20 * energy(start(forward), 1_500)
    assert energy(end(forward), 1_500) > 20 * energy(end(forward), 250)
    assert energy(end(reverse), 250) > 20 * energy(end(reverse), 1_500)
    for part in (start(overlap), end(overlap)):
        assert min(energy(part, 250), energy(part, 1_500)) > 0.01
    again = versions_of(0.8 * high[: RATE // 4], 0.1 * low, RATE)
    assert np.array_equal(again[1], forward)  # reversing twice changes nothing


def test_clips_of_no_or_several_labels_are_left_out_and_too_few_labels_refused() -> None:
    odd = [Clip(SOUND, id="none"), Clip(SOUND, labels=("label 0", "label 1"), id="both")]
    assert single_label_clips([*clips(), *odd]) == clips()
    with pytest.raises(EarShotError, match="labels as subfolders"):
        single_label_clips(clips(2))
