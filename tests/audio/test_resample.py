"""Resampling keeps what fits below the new Nyquist frequency and takes away the rest."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import AudioError, resample

RATES = [8_000, 11_127, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]


def sine(frequency_hz: float, sample_rate: int, duration_s: float = 1.0) -> np.ndarray:
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32)


def middle(waveform: np.ndarray) -> np.ndarray:
    """Without the edges, where the filter sees the silence around the sound."""
    n_edge = len(waveform) // 10
    return waveform[n_edge:-n_edge]


@pytest.mark.parametrize("from_rate", RATES)
@pytest.mark.parametrize("to_rate", RATES)
def test_a_sine_stays_the_same_sine(from_rate: int, to_rate: int) -> None:
    wanted = sine(1_000, to_rate)  # frequency, level and phase: no delay
    np.testing.assert_allclose(
        middle(resample(sine(1_000, from_rate), from_rate, to_rate)), middle(wanted), atol=1e-4
    )


@pytest.mark.parametrize("to_rate", [8_000, 16_000, 32_000])
def test_what_lies_above_the_new_nyquist_is_gone(to_rate: int) -> None:
    for factor in (1.05, 1.3, 1.9):
        high = sine(factor * to_rate / 2, 96_000)
        left = middle(resample(high, 96_000, to_rate))
        assert 20 * np.log10(np.sqrt(np.mean(left**2)) / np.sqrt(np.mean(high**2))) < -60


def test_upsampling_adds_no_image() -> None:
    spectrum = np.abs(np.fft.rfft(np.hanning(48_000) * resample(sine(3_000, 8_000), 8_000, 48_000)))
    assert spectrum[4_100:].max() < 1e-3 * spectrum.max()


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44_100, 48_000), (48_000, 16_000)])
def test_it_agrees_with_librosa_and_soxr(from_rate: int, to_rate: int) -> None:
    noise = np.random.default_rng(0).standard_normal(from_rate).astype(np.float32) * 0.1
    ours = resample(noise, from_rate, to_rate)
    theirs = librosa.resample(noise, orig_sr=from_rate, target_sr=to_rate, res_type="soxr_hq")
    np.testing.assert_allclose(ours, theirs[: len(ours)], atol=1e-6)
    np.testing.assert_allclose(ours, soxr.resample(noise, from_rate, to_rate, "HQ"), atol=1e-6)


@given(st.integers(500, 4_000), st.sampled_from(RATES), st.sampled_from(RATES))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_length_follows_the_ratio(n_samples: int, from_rate: int, to_rate: int) -> None:
    waveform = np.ones(n_samples, np.float32)
    assert abs(len(resample(waveform, from_rate, to_rate)) - n_samples * to_rate / from_rate) <= 1


def test_channels_are_resampled_one_by_one() -> None:
    both = np.stack([sine(440, 44_100), sine(880, 44_100)])
    out = resample(both, 44_100, 16_000)
    assert out.shape == (2, 16_000)
    np.testing.assert_allclose(out[1], resample(both[1], 44_100, 16_000), atol=1e-6)


def test_it_is_linear_and_the_same_rate_changes_nothing() -> None:
    one, two = sine(300, 44_100), sine(700, 44_100)
    apart = resample(one, 44_100, 16_000) + resample(two, 44_100, 16_000)
    np.testing.assert_allclose(resample(one + two, 44_100, 16_000), apart, atol=1e-5)
    np.testing.assert_array_equal(resample(one, 44_100, 44_100), one)


@pytest.mark.parametrize("rate", [0, -8_000, 999, 10**7])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(AudioError, match="1,000 to 768,000 Hz"):
        resample(np.zeros(10, np.float32), 16_000, rate)
    with pytest.raises(AudioError, match="1,000 to 768,000 Hz"):
        resample(np.zeros(10, np.float32), rate, 16_000)
