"""Augmentations do what their names say, and draw from the generator alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import AudioError
from earshot.audio.augment import (
    between_class_mix,
    mix_at_snr,
    random_gain,
    random_polarity,
    random_shift,
)
from earshot.audio.loudness import loudness_db
from sound_files import tones

RATE = 16_000  # Hz
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(deadline=None, derandomize=True, max_examples=40)


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return tones(0.5, RATE)[0]


@given(seed=SEEDS)
@FEW
def test_gain_is_one_number_within_its_bounds(seed: int) -> None:
    sound = tones(0.1, RATE)[0]
    out = random_gain(sound, np.random.default_rng(seed), -10.0, 4.0)
    ratio = np.linalg.norm(out) / np.linalg.norm(sound)
    assert out.dtype == np.float32
    assert -10.001 <= 20 * math.log10(ratio) <= 4.001
    np.testing.assert_allclose(out, sound * np.float32(ratio), atol=1e-6)


def test_polarity_turns_as_often_as_told(sound: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    turned = [bool(random_polarity(sound, rng, 0.25)[100] != sound[100]) for _ in range(2_000)]
    assert np.mean(turned) == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(random_polarity(sound, rng, 1.0), -sound)
    np.testing.assert_array_equal(random_polarity(sound, rng, 0.0), sound)


@given(seed=SEEDS, n_samples=st.integers(1, 50), max_samples=st.integers(0, 50))
@FEW
def test_shifts(seed: int, n_samples: int, max_samples: int) -> None:
    sound = np.arange(1, n_samples + 1, dtype=np.float32)
    turned = random_shift(sound, np.random.default_rng(seed), max_samples)
    moved = random_shift(sound, np.random.default_rng(seed), max_samples, circular=False)
    assert sorted(turned) == sorted(sound)
    n_shift = int(np.random.default_rng(seed).integers(-max_samples, max_samples, endpoint=True))
    for at in range(n_samples):
        came_from = at - n_shift
        assert turned[at] == sound[came_from % n_samples]
        assert moved[at] == (sound[came_from] if 0 <= came_from < n_samples else 0.0)


@given(snr_db=st.floats(-30, 30), n_noise=st.integers(50, 20_000), seed=SEEDS)
@FEW
def test_noise_lies_at_the_given_ratio(snr_db: float, n_noise: int, seed: int) -> None:
    signal = tones(0.3, RATE)[0]
    noise = np.random.default_rng(7).standard_normal(n_noise).astype(np.float32)
    added = mix_at_snr(signal, noise, np.random.default_rng(seed), snr_db) - signal
    found = 10 * math.log10(float(np.mean(signal**2)) / float(np.mean(added**2)))
    assert found == pytest.approx(snr_db, abs=0.05)


def test_silence_has_no_ratio_and_emptiness_is_refused(sound: np.ndarray) -> None:
    rng, silence = np.random.default_rng(0), np.zeros(100, np.float32)
    np.testing.assert_array_equal(mix_at_snr(sound, silence, rng, 0.0), sound)
    np.testing.assert_array_equal(mix_at_snr(silence, sound, rng, 0.0), silence)
    with pytest.raises(AudioError, match="Leave out empty clips"):
        mix_at_snr(sound, silence[:0], rng, 0.0)


@given(seed=SEEDS, louder_db=st.floats(-20, 20))
@FEW
def test_between_class_shares_are_shares_of_loudness(seed: int, louder_db: float) -> None:
    first, second = tones(0.3, RATE, seed=1)[0], tones(0.3, RATE, 2)[1]
    first = first * np.float32(10 ** (louder_db / 20))
    mixed, ratio = between_class_mix(first, second, RATE, np.random.default_rng(seed))
    # The two parts of the mix, found by least squares: heard in the ratio r : 1 - r.
    (one, two), *_ = np.linalg.lstsq(np.stack([first, second], 1), mixed, rcond=None)
    heard_db = 20 * math.log10(one / two) + loudness_db(first, RATE) - loudness_db(second, RATE)
    assert 0.0 < ratio < 1.0
    if 0.01 < ratio < 0.99:
        assert heard_db == pytest.approx(20 * math.log10(ratio / (1 - ratio)), abs=0.05)
    assert one**2 + two**2 == pytest.approx(1.0, abs=1e-3)  # the energy of uncorrelated sounds


def test_between_class_mixing_with_silence_and_of_two_lengths(sound: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    mixed, _ = between_class_mix(sound, np.zeros_like(sound), RATE, rng)
    assert np.isfinite(mixed).all()
    with pytest.raises(AudioError, match="Crop or pad"):
        between_class_mix(sound, sound[:-1], RATE, rng)


def test_one_seed_one_result(sound: np.ndarray) -> None:
    def all_of_them(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [
            random_gain(sound, rng),
            random_shift(sound, rng, 100),
            mix_at_snr(sound, sound[::-1], rng, 3.0),
            between_class_mix(sound, sound[::-1], RATE, rng)[0],
        ]

    before = sound.copy()
    for one, two in zip(all_of_them(5), all_of_them(5), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(all_of_them(5), all_of_them(6), strict=True))
    np.testing.assert_array_equal(sound, before)  # what is passed in stays as it was
