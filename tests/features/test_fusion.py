from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor

from earshot.core.errors import EarShotError
from earshot.features.fit_length import repeat_pad
from earshot.features.fusion import fuse_views, window_starts
from earshot.features.log_mel import LogMel, LogMelConfig, int16_round_trip

WINDOW = 48_000  # samples, 1 s: 101 frames


def noise(n: int, seed: int = 0) -> np.ndarray:
    clip = 0.1 * np.random.default_rng(seed).normal(size=n) * np.linspace(0.2, 1, n)
    return int16_round_trip(torch.from_numpy(clip.astype(np.float32))).numpy()


@pytest.mark.parametrize("n", [20_000, 48_000, 48_300, 48_480, 48_960, 49_440, 50_400, 130_000])
def test_equals_the_transformers_extractor(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its draws are made ours, the middle start of each third; one start or none leaves no draw."""
    monkeypatch.setattr(np.random, "choice", lambda starts: starts[(len(starts) - 1) // 2])
    clip = noise(n)
    extractor = ClapFeatureExtractor(frequency_min=50, truncation="fusion")
    theirs, is_longer = extractor._get_input_mel(
        clip.astype(np.float64), WINDOW, "fusion", "repeatpad"
    )
    config = LogMelConfig(
        sample_rate=48_000, hop_length=480, mel_scale="htk", mel_norm=None, quantise=False
    )
    fitted = repeat_pad(torch.from_numpy(clip)[None], torch.tensor([n]), WINDOW)
    fused = fuse_views(*LogMel(config)(*fitted), 101)
    assert fused.is_longer.tolist() == [is_longer]
    np.testing.assert_allclose(fused.views[0].transpose(1, 2), theirs, rtol=0, atol=1e-4)


def test_a_batch_gives_each_clip_its_own_views() -> None:
    random = torch.Generator().manual_seed(0)
    log_mel, n_frames = torch.rand(4, 8, 60, generator=random), torch.tensor([20, 21, 47, 60])
    fused = fuse_views(log_mel, n_frames, 20)
    assert fused.is_longer.tolist() == [False, True, True, True]
    for row, frames in enumerate(n_frames.tolist()):
        alone = fuse_views(log_mel[row : row + 1, :, :frames], n_frames[row : row + 1], 20)
        torch.testing.assert_close(fused.views[row], alone.views[0], rtol=0.0, atol=0.0)
    assert torch.equal(fused.views[0], log_mel[0, :, :20].expand(4, -1, -1))


def test_thirds_are_those_of_array_split() -> None:
    for n_starts in range(1, 40):
        thirds = np.array_split(np.arange(n_starts), 3)
        middles = [third[(len(third) - 1) // 2] if len(third) else 0 for third in thirds]
        assert window_starts(torch.tensor([n_starts])).tolist() == [middles]
        many = window_starts(torch.full((300,), n_starts), torch.Generator().manual_seed(0))
        for drawn, third in zip(many.T, thirds, strict=True):
            assert set(drawn.tolist()) == set(third.tolist() or [0])


def test_only_a_generator_makes_views_random() -> None:
    log_mel, n_frames = torch.rand(2, 8, 300), torch.tensor([300, 290])
    still = fuse_views(log_mel, n_frames, 20)
    assert torch.equal(still.views, fuse_views(log_mel, n_frames, 20).views)
    drawn = [
        fuse_views(log_mel, n_frames, 20, generator=torch.Generator().manual_seed(seed)).views
        for seed in (1, 1, 2)
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0][:, 1:], drawn[2][:, 1:])
    assert torch.equal(drawn[0][:, 0], still.views[:, 0])


def test_clips_below_the_window_are_refused() -> None:
    with pytest.raises(EarShotError, match="a clip of 19 frames.*repeat_pad before the log-mel"):
        fuse_views(torch.zeros(1, 8, 30), torch.tensor([19]), 20)
