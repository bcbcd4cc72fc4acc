from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import AudioError
from earshot.audio.loudness import loudness_db
from earshot.audio.mixing import concatenate, mix_by_loudness, overlay, tiled, to_peak

RATE = 16_000  # Hz
FEW = settings(deadline=None, derandomize=True, max_examples=40)


def sine(frequency_hz: float, amplitude: float, n_samples: int = 8_000) -> np.ndarray:
    time = np.arange(n_samples) / RATE
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32)


@FEW
@given(n_first=st.integers(1, 60), n_second=st.integers(1, 60), fade=st.floats(0, 1))
def test_joining_by_a_slow_loop(n_first: int, n_second: int, fade: float) -> None:
    rng = np.random.default_rng(n_first * 100 + n_second)
    first, second = rng.standard_normal(n_first), rng.standard_normal(n_second)
    n_fade = round(fade * min(n_first, n_second))
    wanted = []
    for at in range(n_first + n_second - n_fade):
        into = at - (n_first - n_fade)  # place in the second sound, and in the fade
        if into < 0:
            wanted.append(first[at])
        elif into < n_fade:
            share = (into + 1) / (n_fade + 1)
            wanted.append((1 - share) * first[at] + share * second[into])
        else:
            wanted.append(second[into])
    joined = concatenate(first, second, fade=fade, peak=None)
    np.testing.assert_allclose(joined, wanted, atol=1e-5)
    loud = concatenate(first, second, fade=fade)
    np.testing.assert_allclose(loud, joined * 0.5 / np.abs(joined).max(), atol=1e-5)


def test_a_fade_between_equal_levels_keeps_the_level() -> None:
    ones = np.ones(100, np.float32)
    np.testing.assert_allclose(concatenate(ones, ones, peak=None), np.ones(190), atol=1e-6)
    assert np.abs(concatenate(ones, 0.1 * ones)).max() == pytest.approx(0.5)


@FEW
@given(
    ratio=st.floats(0.02, 0.98),
    louder_db=st.floats(-30, 30),
    frequency_hz=st.sampled_from([200.0, 1_000.0, 4_000.0]),
)
def test_two_sines_are_heard_in_the_ratio(
    ratio: float, louder_db: float, frequency_hz: float
) -> None:
    first, second = sine(frequency_hz, 0.1 * 10 ** (louder_db / 20)), sine(2_500.0, 0.1)
    mixed = mix_by_loudness(first, second, RATE, ratio)
    (one, two), *_ = np.linalg.lstsq(np.stack([first, second], 1), mixed, rcond=None)
    heard_db = 20 * math.log10(one / two) + loudness_db(first, RATE) - loudness_db(second, RATE)
    assert heard_db == pytest.approx(20 * math.log10(ratio / (1 - ratio)), abs=0.05)
    assert one**2 + two**2 == pytest.approx(1.0, abs=1e-3)


def test_sines_of_equal_loudness_are_added_equally() -> None:
    """1 kHz has an A-weight of 0 dB: equal amplitudes, or one that the other's gain makes up."""
    first, second = sine(1_000.0, 0.2), np.roll(sine(1_000.0, 0.2), 4)  # a quarter turn apart
    np.testing.assert_allclose(
        overlay(first, second, RATE), (first + second) / math.sqrt(2), atol=1e-4
    )
    softer = overlay(first, second / 10, RATE)  # 20 dB: t = 1 / 11, as the method has it
    share = 1 / 11
    wanted = (share * first + (1 - share) * second / 10) / math.hypot(share, 1 - share)
    np.testing.assert_allclose(softer, wanted, atol=1e-4)


def test_the_shorter_sound_is_repeated() -> None:
    long, short = sine(1_000.0, 0.1), sine(400.0, 0.1, 3_000)
    whole = np.concatenate([short, short, short[:2_000]])
    for mixed, wanted in (
        (overlay(long, short, RATE), overlay(long, whole, RATE)),
        (overlay(short, long, RATE), overlay(whole, long, RATE)),
    ):
        np.testing.assert_array_equal(mixed, wanted)
    np.testing.assert_array_equal(tiled(np.array([1, 2]), 5), [1, 2, 1, 2, 1])


def test_silence_stays_silent_and_numbers_finite() -> None:
    silence, tone = np.zeros(100, np.float32), sine(1_000.0, 0.3, 100)
    assert not concatenate(silence, silence).any()
    assert not overlay(silence, silence, RATE).any()
    assert np.isfinite(overlay(tone, silence, RATE)).all()
    assert not to_peak(silence).any()


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (lambda a: concatenate(a, a[:0]), "leave out empty clips"),
        (lambda a: overlay(a[None], a, RATE), "Mix down to mono"),
        (lambda a: concatenate(a, a, fade=1.5), "Give 0.1 for a tenth"),
        (lambda a: overlay(a, a, RATE, ratio=1.0), "Give 0.5 for halves"),
    ],
)
def test_faults_say_what_to_do(call, mend: str) -> None:
    with pytest.raises(AudioError, match=mend):
        call(sine(1_000.0, 0.1))
