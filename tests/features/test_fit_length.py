from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import ClapFeatureExtractor

from earshot.core.errors import EarShotError
from earshot.features import fit_length
from earshot.features.fit_length import (
    centre_crop,
    random_crop,
    repeat_cut,
    repeat_pad,
    zero_pad,
)

Fit = Callable[[torch.Tensor, torch.Tensor, int], tuple[torch.Tensor, torch.Tensor]]


def by_numpy(name: str, clip: np.ndarray, length: int) -> np.ndarray:
    if name == "centre_crop":
        start = max(0, len(clip) - length) // 2
        return clip[start : start + length]
    if len(clip) >= length:
        return clip
    whole = {"zero_pad": 1, "repeat_pad": length // len(clip), "repeat_cut": length}[name]
    tiled = np.tile(clip, whole)[:length]
    return np.pad(tiled, (0, length - len(tiled)))


@pytest.mark.parametrize("name", ["zero_pad", "repeat_pad", "repeat_cut", "centre_crop"])
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    length=st.integers(1, 40),
    spare=st.integers(0, 3),
)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_every_fit_is_that_of_one_clip_in_numpy(
    name: str, lengths: list[int], length: int, spare: int
) -> None:
    waveform = torch.full((len(lengths), max(lengths) + spare), 9.0)  # 9 lies past the ends
    for row, n in zip(waveform, lengths, strict=True):
        row[:n] = torch.arange(1, n + 1) / 64
    fit: Fit = getattr(fit_length, name)
    fitted, n_samples = fit(waveform, torch.tensor(lengths), length)
    for row, n, clip, before in zip(fitted, n_samples.tolist(), waveform, lengths, strict=True):
        expected = by_numpy(name, clip[:before].numpy(), length)
        np.testing.assert_array_equal(row[:n], expected)
        assert (row[n:] == 0).all()
    assert fitted.shape[1] >= int(n_samples.max())


@pytest.mark.parametrize(("fit", "name"), [(repeat_pad, "repeatpad"), (repeat_cut, "repeat")])
@pytest.mark.parametrize("n", [150, 250, 480, 500])
def test_equals_the_transformers_extractor(fit: Fit, name: str, n: int) -> None:
    extractor = ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc", padding=name)
    clip = np.random.default_rng(0).uniform(-1, 1, n * 8).astype(np.float32)
    theirs = extractor._get_input_mel(clip, 4_000, "rand_trunc", name)[0][0]
    fitted, _ = fit(torch.from_numpy(clip)[None], torch.tensor([len(clip)]), 4_000)
    mel = extractor._np_extract_fbank_features(fitted[0].numpy(), extractor.mel_filters_slaney)
    np.testing.assert_allclose(mel, theirs, rtol=0, atol=1e-5)


def test_a_crop_then_a_repeat_fits_every_clip() -> None:
    waveform, n_samples = torch.ones(3, 12), torch.tensor([3, 8, 12])
    fitted, n_fitted = repeat_pad(*centre_crop(waveform, n_samples, 8), 8)
    assert fitted.shape == (3, 8)
    assert n_fitted.tolist() == [8, 8, 8]
    assert fitted.sum(1).tolist() == [6, 8, 8]


def test_random_crops_reach_every_start_and_repeat_with_their_generator() -> None:
    waveform, n_samples = torch.arange(8.0).expand(400, -1) / 8, torch.full((400,), 7)
    crops, n_cropped = random_crop(waveform, n_samples, 5, torch.Generator().manual_seed(0))
    again, _ = random_crop(waveform, n_samples, 5, torch.Generator().manual_seed(0))
    assert torch.equal(crops, again)
    assert set(n_cropped.tolist()) == {5}
    starts = Counter((crops[:, 0] * 8).int().tolist())
    assert starts.keys() == {0, 1, 2}
    assert min(starts.values()) > 90  # of 133 expected
    assert torch.equal((crops[:, 1:] - crops[:, :-1]), torch.full((400, 4), 0.125))


def test_clips_without_samples_are_refused() -> None:
    with pytest.raises(EarShotError, match="Leave out clips without samples"):
        zero_pad(torch.zeros(1, 4), torch.tensor([0]), 8)
