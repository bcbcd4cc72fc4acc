from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from earshot.encoders.mel_frames import MelFrames, MelFramesConfig
from earshot.encoders.states import LayerStates
from earshot.features import LogMel, LogMelConfig
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.layer_probe import LayerProbeConfig
from earshot.training.speech_probes import (
    SpeechProbeConfig,
    Spoken,
    clip_figures,
    speech_figures,
)

RATE = 8_000
QUICK = SpeechProbeConfig(
    n_frames=800, probe=LayerProbeConfig(learning_rates=(1e-2,), steps=80, hidden=16)
)


class Stacked(nn.Module):
    """Two frames a position; layers of noise and of the frames."""

    position_frames, dim = 2.0, 16

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        frames = nn.functional.pad(log_mel, (0, log_mel.shape[2] % 2)).transpose(1, 2)
        frames = (frames.unflatten(1, (-1, 2)).mean(2) + 50) / 20
        noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
        return LayerStates((noise, frames), -(-n_frames // 2))


def listener(encoder: nn.Module) -> SoundEncoder:
    front = LogMelConfig(sample_rate=RATE, n_fft=200, hop_length=80, n_mels=16, f_max=4_000.0)
    return SoundEncoder(
        features=LogMel(front), audio_encoder=encoder, sample_rate=RATE, window_s=4.0
    )


def spoken(n: int, seed: int) -> Spoken:
    """Tones of four pitches, each 50 to 90 ms, loud or soft as a whole."""
    rng = np.random.default_rng(seed)
    waveforms, phones, loud = [], [], []
    for _ in range(n):
        labels = np.repeat(rng.integers(0, 4, 8), rng.integers(5, 10, 8))
        hz = 300 * 1.8 ** np.repeat(labels, RATE // 100)
        loud.append(int(rng.integers(2)))
        level = (0.02, 0.5)[loud[-1]]
        waveforms.append((level * np.sin(2 * np.pi * np.cumsum(hz) / RATE)).astype(np.float32))
        phones.append(labels.astype(np.int64))
    return Spoken(waveforms, phones, {"loud": np.array(loud)})


@pytest.mark.parametrize(
    "encoder", [MelFrames(MelFramesConfig(n_mels=16)), Stacked()], ids=["mels", "stacked"]
)
def test_phones_are_read_where_they_are(encoder: nn.Module) -> None:
    """At 10 and at 20 ms a position; labels that are shuffled cannot be read."""
    figures = speech_figures(listener(encoder), spoken(40, 0), spoken(20, 1), QUICK, 0)
    assert figures["phones"] > 0.9
    assert figures["phones_mlp"] > 0.9
    assert figures["phones_fast"] > 0.9
    assert figures["phones_shuffled"] < 0.4
    if isinstance(encoder, Stacked):
        assert figures["phones_layer1"] > 0.6
        assert figures["phones_layer0"] + figures["phones_layer1"] == pytest.approx(1)
    else:
        assert "phones_layer0" not in figures


def test_the_same_seed_gives_the_same_figures() -> None:
    one, two = (
        speech_figures(listener(Stacked()), spoken(12, 0), spoken(6, 1), QUICK, 3) for _ in range(2)
    )
    assert one == two


def test_labels_of_clips_are_read_from_their_means() -> None:
    given = [spoken(40, seed) for seed in (0, 1)]
    parts = [(each.waveforms, each.facts["loud"].tolist()) for each in given]
    plain = SpeechProbeConfig(
        probe=LayerProbeConfig(learning_rates=(1e-2,), steps=80, hidden=16, normalize=False)
    )
    figures = clip_figures(listener(Stacked()), parts[0], parts[1], "loud", plain, 0)
    assert figures["loud"] > 0.9
    assert figures["loud_layer1"] > 0.6
