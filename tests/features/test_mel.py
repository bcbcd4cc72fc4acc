from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank as reference_bank

from earshot.core.errors import EarShotError
from earshot.features.mel import MelScale, hz_to_mel, mel_filter_bank, mel_to_hz

SIZES = [(48_000, 1_024, 64, 50.0, 14_000.0), (16_000, 512, 40, 0.0, 8_000.0)]


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(("rate", "n_fft", "n_mels", "f_min", "f_max"), SIZES)
def test_equals_librosa(
    scale: MelScale, norm: None, rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> None:
    ours = mel_filter_bank(
        sample_rate=rate,
        n_fft=n_fft,
        n_mels=n_mels,
        f_min=f_min,
        f_max=f_max,
        scale=scale,
        norm=norm,
    )
    theirs = librosa.filters.mel(
        sr=rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=f_min,
        fmax=f_max,
        htk=scale == "htk",
        norm=norm,
        dtype=np.float64,
    )
    assert theirs.max() > 1e-3
    np.testing.assert_allclose(ours, theirs.T, rtol=1e-9, atol=1e-12)


def test_kaldi_scale_equals_transformers() -> None:
    ours = mel_filter_bank(
        sample_rate=16_000, n_fft=512, n_mels=80, f_min=20, f_max=8_000, scale="kaldi", norm=None
    )
    theirs = reference_bank(
        257, 80, 20, 8_000, 16_000, norm=None, mel_scale="kaldi", triangularize_in_mel_space=True
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@given(st.sampled_from(["slaney", "htk", "kaldi"]), st.floats(0.0, 96_000.0))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_scales_have_inverses(scale: MelScale, hz: float) -> None:
    assert mel_to_hz(hz_to_mel(np.array(hz), scale), scale) == pytest.approx(hz, abs=1e-6)


def test_bank_is_cached_and_safe_to_share() -> None:
    settings_ = {"sample_rate": 8_000, "n_fft": 256, "n_mels": 20, "f_min": 0.0, "f_max": 4_000.0}
    bank = mel_filter_bank(**settings_)
    assert mel_filter_bank(**settings_) is bank
    with pytest.raises(ValueError, match="read-only"):
        bank[0, 0] = 1.0


def test_a_band_past_half_the_sample_rate_is_refused() -> None:
    with pytest.raises(EarShotError, match="at most 8000 Hz.*Lower f_max"):
        mel_filter_bank(sample_rate=16_000, n_fft=512, n_mels=64, f_min=50.0, f_max=14_000.0)
    with pytest.raises(EarShotError, match="0 <= f_min < f_max"):
        mel_filter_bank(sample_rate=16_000, n_fft=512, n_mels=64, f_min=900.0, f_max=800.0)
