from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.data import Clip, ClipSet
from earshot.encoders.mel_frames import MelFramesConfig
from earshot.features import LogMelConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.training.layer_probe import LayerProbeConfig
from earshot.training.layer_states import clip_states
from earshot.training.pretraining_figures import (
    Task,
    codes_say,
    cut_windows,
    hear_clips,
    labelled_task,
    task_figures,
)

RATE = 8_000
MODEL = build_sound_encoder(
    SoundEncoderConfig(
        audio=AudioTower(mels=MelFramesConfig(n_mels=16)),
        features=LogMelConfig(
            sample_rate=RATE, n_fft=256, hop_length=128, n_mels=16, f_max=RATE / 2
        ),
        window_s=0.5,
    )
)


def tone(number: int, seconds: float = 0.5) -> Clip:
    rng = np.random.default_rng(number)
    time = np.arange(round(seconds * RATE))
    sound = 0.3 * np.sin(time * (0.3 + 1.7 * (number % 2))) + rng.normal(0, 0.02, len(time))
    return Clip(
        Audio(sound.astype(np.float32), RATE), labels=(["low", "high"][number % 2],),
        id=str(number),
    )  # fmt: skip


def codes(log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Two codes a clip: whether it is high, and nothing; a third that is padding."""
    high = (log_mel[:, 8:].mean((1, 2)) > log_mel[:, :8].mean((1, 2))).long()
    found = torch.stack([high, high, torch.full_like(high, 7)], 1)
    return found, torch.tensor([[False, False, True]]).expand(found.shape)


def test_probes_and_labels_of_tones(tmp_path: Path) -> None:
    train = ClipSet([tone(i) for i in range(24)])
    test = ClipSet([tone(i) for i in range(100, 120)], labels=train.labels)
    probe = LayerProbeConfig(steps=60, learning_rates=(1e-2,))
    figures, faults = task_figures(Task(train, test), {"0": MODEL}, {"1": codes}, 8, probe, 0)
    assert figures == {
        "accuracy_0": 1.0,
        "information_1": pytest.approx(1.0, abs=0.05),
        "perplexity_1": pytest.approx(2.0),
    }
    assert not faults
    lost = Clip(tmp_path / "lost.wav", labels=("low",))
    broken = ClipSet([*test, lost], labels=train.labels)
    again, faults = task_figures(Task(train, broken), {"0": MODEL}, {"1": codes}, 8, probe, 0)
    assert again == figures
    assert "lost.wav" in faults[0]


def test_a_long_clip_is_the_mean_of_its_whole_windows() -> None:
    long = tone(3, seconds=1.3)
    heard = hear_clips(ClipSet([long, tone(4)]), {"0": MODEL}, {})
    sound = long.read().waveform
    parts = clip_states(MODEL, [sound[:4_000], sound[4_000:8_000]])
    assert torch.allclose(heard.states["0"][0][0], parts.mean(0), atol=1e-5)
    assert [len(each) for each in cut_windows(sound, 4_000)] == [4_000, 4_000]
    assert [len(each) for each in cut_windows(sound[:77], 4_000)] == [77]


def test_codes_are_counted_beside_their_clip_s_class() -> None:
    said = codes_say([np.array([0, 0, 1]), np.array([2])], [0, 1], 4)
    assert said.perplexity == pytest.approx(np.exp(1.5 * np.log(2)))


def test_only_clips_with_one_known_label_make_a_task() -> None:
    plain, two = Clip(tone(0).audio, id="a"), Clip(tone(0).audio, labels=("low", "high"), id="b")
    train = ClipSet([tone(0), tone(1), plain, two])
    other = Clip(tone(0).audio, labels=("new",), id="c")
    task = labelled_task(train, ClipSet([tone(2), other, two]))
    assert task is not None
    assert (len(task.train), [clip.id for clip in task.test]) == (2, ["2"])
    assert labelled_task(ClipSet([tone(0), tone(2)]), ClipSet([tone(4)])) is None
