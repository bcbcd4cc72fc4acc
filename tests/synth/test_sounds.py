"""Every kind of sound renders cleanly, and no two are twins."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from earshot.synth import SOUNDS, render_sound
from earshot.synth.sounds import (
    alarms,
    animals,
    bells,
    household,
    impacts,
    people,
    small_animals,
    tones,
    tools,
    vehicles,
    water,
    weather,
)
from mel_statistics import mel_statistics

ROOMS = (
    weather, water, animals, small_animals, people, vehicles, tools, alarms, bells, household,
    impacts, tones,
)  # fmt: skip


def test_there_are_many_kinds_and_no_name_is_used_twice() -> None:
    names = [kind.name for room in ROOMS for kind in room.KINDS]
    assert len(names) == len(set(names)) == len(SOUNDS) >= 60
    categories = Counter(kind.category for kind in SOUNDS.values())
    assert len(categories) >= 11
    assert categories["animals"] >= 10


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_clean(name: str) -> None:
    for seed, sample_rate, duration_s in ((0, 16_000, 1.5), (1, 8_000, 0.4), (2, 44_100, 0.9)):
        waveform = render_sound(name, duration_s=duration_s, sample_rate=sample_rate, seed=seed)
        assert waveform.dtype == np.float32
        assert waveform.shape == (round(duration_s * sample_rate),)
        assert np.isfinite(waveform).all()
        peak = np.abs(waveform).max()
        assert 0.05 < peak <= 0.5
        assert np.abs(waveform[[0, -1]]).max() < 0.02 * peak, "a click at an end"
        assert abs(waveform.mean()) < 0.01 * peak, "an offset"


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_the_same_for_its_seed_and_another_for_others(name: str) -> None:
    first = render_sound(name, duration_s=0.8, seed=3)
    np.testing.assert_array_equal(first, render_sound(name, duration_s=0.8, seed=3))
    assert not np.allclose(first, render_sound(name, duration_s=0.8, seed=4), atol=1e-3)


def test_no_two_kinds_are_twins() -> None:
    names = list(SOUNDS)

    def table(seeds: range) -> np.ndarray:
        return np.stack(
            [
                [mel_statistics(render_sound(n, duration_s=1.5, seed=s)) for s in seeds]
                for n in names
            ]
        )  # [kinds, seeds, features]

    taught, asked = table(range(4)), table(range(100, 102))
    mean = taught.mean((0, 1))
    spread = taught.std((0, 1)) + 1e-6
    centroids = ((taught - mean) / spread).mean(1)
    queries = ((asked - mean) / spread).reshape(-1, centroids.shape[1])
    distance = np.square(queries[:, None] - centroids[None]).sum(2)
    guess = distance.argmin(1).reshape(len(names), -1)
    truth = np.arange(len(names))[:, None]
    assert (guess == truth).mean() > 0.85  # chance is below 0.01
    mistaken = Counter((names[k], names[g]) for k, row in enumerate(guess) for g in row if g != k)
    twins = [pair for pair, count in mistaken.items() if count == 2 and mistaken[pair[::-1]]]
    assert not twins
