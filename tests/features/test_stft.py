from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.features.stft import STFTConfig, istft, reflect_pad, stft

CONFIG = STFTConfig(n_fft=64, hop_length=16)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def test_equals_torch_stft() -> None:
    waveform = noise(3, 500)
    spectrum, n_frames = stft(waveform, torch.full((3,), 500), CONFIG)
    theirs = torch.stft(
        waveform, 64, 16, window=torch.hann_window(64), center=True, return_complex=True
    )
    torch.testing.assert_close(spectrum, theirs, rtol=1e-5, atol=1e-5)
    assert n_frames.tolist() == [theirs.shape[2]] * 3
    back = torch.istft(spectrum, 64, 16, window=torch.hann_window(64), length=500)
    torch.testing.assert_close(
        istft(spectrum, torch.full((3,), 500), CONFIG), back, rtol=1e-5, atol=1e-5
    )


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    hop=st.integers(1, 32),
    seed=st.integers(0, 99),
)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_the_inverse_gives_every_clip_of_a_batch_back(
    lengths: list[int], hop: int, seed: int
) -> None:
    n_samples = torch.tensor(lengths)
    waveform = noise(len(lengths), max(lengths) + 5, seed=seed, dtype=torch.float64)
    config = STFTConfig(n_fft=64, hop_length=hop)
    back = istft(stft(waveform, n_samples, config)[0], n_samples, config)
    inside = torch.arange(max(lengths)) < n_samples[:, None]
    expected = torch.where(inside, waveform[:, : max(lengths)], 0.0)
    torch.testing.assert_close(back, expected, rtol=0.0, atol=1e-9)


@given(lengths=st.lists(st.integers(1, 300), min_size=2, max_size=4), seed=st.integers(0, 99))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_clip_has_the_same_spectrum_and_inverse_alone(lengths: list[int], seed: int) -> None:
    n_samples = torch.tensor(lengths)
    waveform = noise(len(lengths), max(lengths), seed=seed)
    spectrum, n_frames = stft(waveform, n_samples, CONFIG)
    halved = spectrum.clone()
    halved[:, ::2] *= 0.5  # no longer the spectrum of any waveform
    together = istft(halved, n_samples, CONFIG)
    for row, length in enumerate(lengths):
        alone, _ = stft(waveform[row : row + 1, :length], n_samples[row : row + 1], CONFIG)
        frames = int(n_frames[row])
        torch.testing.assert_close(spectrum[row, :, :frames], alone[0], rtol=0.0, atol=1e-5)
        assert (spectrum[row, :, frames:] == 0).all()
        inverse = istft(halved[row : row + 1, :, :frames], n_samples[row : row + 1], CONFIG)
        torch.testing.assert_close(together[row, :length], inverse[0], rtol=0.0, atol=1e-5)


@given(length=st.integers(1, 40), n_pad=st.integers(1, 90))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_reflection_is_that_of_numpy_at_each_clips_own_end(length: int, n_pad: int) -> None:
    waveform = noise(2, 41, seed=length)
    padded = reflect_pad(waveform, torch.tensor([length, 41]), n_pad)
    for row, n in zip(range(2), (length, 41), strict=True):
        expected = np.pad(waveform[row, :n].numpy(), n_pad, mode="reflect")
        np.testing.assert_array_equal(padded[row, : n + 2 * n_pad].numpy(), expected)


def test_faults_say_the_mend() -> None:
    with pytest.raises(EarShotError, match="at most 32, half a window.*Lower hop_length"):
        STFTConfig(n_fft=64, hop_length=33)
    with pytest.raises(EarShotError, match="Give stft and istft the same config"):
        istft(torch.zeros(1, 17, 4, dtype=torch.complex64), torch.tensor([40]), CONFIG)
