from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.mel_frames import MelFramesConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.training.layer_states import clip_states, frame_states
from tiny_models import FRONT_END, encoder_alone, seeded, sounds


def test_clips_are_means_of_their_frames() -> None:
    model = seeded(encoder_alone)
    clips = sounds([5_000, 8_000, 3_000, 18_000])  # the last one longer than the window of 1 s
    states = clip_states(model, clips)
    assert states.shape == (4, 1, 16)
    for clip, row in zip(clips[:3], states, strict=False):
        with torch.inference_mode():
            own = model.layers(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))
        torch.testing.assert_close(row[0], own.last[0].mean(0), atol=1e-5, rtol=0)
    parts = torch.cat([frame_states(model, clips[3][i : i + 8_000]).states
                       for i in (0, 8_000, 16_000)])  # fmt: skip
    torch.testing.assert_close(states[3], parts.mean(0), atol=1e-5, rtol=0)


def test_the_mode_of_the_model_is_kept() -> None:
    model = seeded(encoder_alone).train()
    clip_states(model, sounds([3_000]))
    assert model.training
    assert all(value.requires_grad for value in model.parameters())


def test_frames_without_an_encoder_are_the_log_mel() -> None:
    config = SoundEncoderConfig(
        AudioTower(mels=MelFramesConfig(32)), features=FRONT_END, window_s=1.0
    )
    model = build_sound_encoder(config)
    clip = sounds([4_000])[0]
    found = frame_states(model, clip)
    log_mel, n_frames = model.frames(torch.from_numpy(clip)[None], torch.tensor([4_000]))
    assert found.position_s == pytest.approx(64 / 8_000)
    assert abs(len(found.states) - int(n_frames)) <= 1
    torch.testing.assert_close(found.states[:, 0], log_mel[0].T[: len(found.states)])
    assert np.isfinite(clip_states(model, [clip])).all()


def test_no_samples() -> None:
    with pytest.raises(EarShotError, match="without samples"):
        frame_states(seeded(encoder_alone), np.zeros(0, np.float32))


def test_bands_that_are_none() -> None:
    with pytest.raises(EarShotError, match="n_mels=0"):
        MelFramesConfig(0)
