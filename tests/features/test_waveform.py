from __future__ import annotations

import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor

from earshot.core.errors import EarShotError
from earshot.features import Waveform, WaveformConfig


def test_clips_come_to_mean_0_and_variance_1_as_the_library_does_it() -> None:
    draw = torch.Generator().manual_seed(0)
    clips = [0.1 + 0.3 * torch.randn(n, generator=draw) for n in (900, 1_600)]
    waveform = torch.full((2, 1_600), 7.0)  # past the end: never heard
    for row, clip in zip(waveform, clips, strict=True):
        row[: len(clip)] = clip
    frames, n_frames = Waveform()(waveform, torch.tensor([900, 1_600]))
    assert frames.shape == (2, 1, 1_600)
    assert n_frames.tolist() == [900, 1_600]
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    raw = [clip.numpy() for clip in clips]
    expected = extractor(raw, sampling_rate=16_000, padding=True, return_tensors="pt")
    torch.testing.assert_close(frames[:, 0], expected.input_values, atol=1e-4, rtol=0)


def test_as_it_is() -> None:
    waveform = torch.tensor([[0.5, -0.5, 0.9]])
    frames, _ = Waveform(WaveformConfig(unit_variance=False))(waveform, torch.tensor([2]))
    assert frames.tolist() == [[[0.5, -0.5, 0.0]]]


def test_silence_stays_silence() -> None:
    frames, _ = Waveform()(torch.zeros(1, 40), torch.tensor([40]))
    assert (frames == 0).all()


def test_a_rate_that_is_none() -> None:
    with pytest.raises(EarShotError, match="sample_rate=0 Hz"):
        WaveformConfig(sample_rate=0)
