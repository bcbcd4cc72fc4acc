from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.encoders.mel_frames import MelFramesConfig
from earshot.features import LogMelConfig
from earshot.jobs.evaluation.layer_probe import measure_layers
from earshot.jobs.evaluation.probe_tasks import ProbeSizes, ProbeTask, probe_tasks
from earshot.jobs.evaluation.result import differences
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.embedder import Embedder
from earshot.training.layer_probe import LayerProbeConfig
from shared_data import shared_data

RATE = 8_000
QUICK = LayerProbeConfig(learning_rates=(1e-2,), steps=100, hidden=16)
PITCHES = {"low": 300.0, "middle": 900.0, "high": 2_500.0}


def mels() -> Embedder:
    """The log-mel itself: nothing is trained."""
    features = LogMelConfig(sample_rate=RATE, n_fft=256, hop_length=80, n_mels=32, f_max=4_000.0)
    audio = AudioTower(mels=MelFramesConfig(32))
    config = SoundEncoderConfig(audio, features=features, window_s=2.0)
    return Embedder(build_sound_encoder(config), "mels")


def tone(pitch: float, seconds: float, draw: np.random.Generator) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * pitch * draw.uniform(0.9, 1.1) * time)
    return (0.2 * wave + 0.02 * draw.standard_normal(len(time))).astype(np.float32)


def clips(n: int = 12) -> list[Clip]:
    draw = np.random.default_rng(0)
    return [
        Clip(Audio(tone(pitch, 0.4, draw), RATE), labels=(name,), id=f"{name} {i}")
        for name, pitch in PITCHES.items()
        for i in range(n)
    ]


def test_it_reads_what_is_there_and_no_more() -> None:
    task = ProbeTask("pitch", "tones", clips())
    found = measure_layers(task, mels(), config=QUICK)
    assert found.task == "probe pitch"
    assert (found.n, found.data) == (36, "tones")
    assert found.metrics["accuracy"] > 0.9
    assert found.details["layer_weights"] == [1.0]
    control = measure_layers(task, mels(), config=QUICK, shuffled=True)
    assert control.model == "mels, shuffled labels"
    assert control.metrics["accuracy"] < 0.7
    assert {each.figure for each in differences(found, control)} >= {"accuracy"}


def test_frames_are_probed_where_frames_are_labelled() -> None:
    draw = np.random.default_rng(1)
    halves = [
        Clip(Audio(np.concatenate([tone(PITCHES[a], 0.3, draw), tone(PITCHES[b], 0.3, draw)]),
                   RATE), id=f"{a} {b} {i}", extra={"halves": (a, b)})
        for i in range(4) for a in PITCHES for b in PITCHES
    ]  # fmt: skip

    def labels(clip: Clip, seconds: np.ndarray) -> list[str]:
        first, second = clip.extra["halves"]
        return [first if each < 0.3 else second for each in seconds]

    found = measure_layers(ProbeTask("pitch", "halves", halves, labels), mels(), config=QUICK)
    assert found.n > 20 * len(halves)
    assert found.metrics["accuracy"] > 0.85


def test_several_labels_a_clip() -> None:
    both = [
        replace(clip, labels=(*clip.labels, "tone") if i % 2 else clip.labels)
        for i, clip in enumerate(clips())
    ]
    found = measure_layers(ProbeTask("pitch", "tones", both), mels(), config=QUICK)
    assert found.metrics["mAP"] > 0.6
    assert "accuracy" not in found.metrics


def test_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    found = measure_layers(
        ProbeTask("pitch", "tones", [*clips(), Clip(bad, labels=("low",))]), mels(), config=QUICK
    )
    assert [failure.path for failure in found.failures] == [bad]
    assert found.n == 36
    with pytest.raises(EarShotError, match="no sound could be used"):
        measure_layers(ProbeTask("pitch", "tones", [Clip(bad, labels=("low",))]), mels())


def test_one_label_alone() -> None:
    alone = [clip for clip in clips() if clip.labels == ("low",)]
    with pytest.raises(EarShotError, match="label 'low' alone"):
        measure_layers(ProbeTask("pitch", "tones", alone), mels())


def test_procedural_tasks_are_always_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    sizes = ProbeSizes(n_utterances=6, n_scenes=5)
    phones, events = probe_tasks(sizes=sizes)
    assert (phones.name, len(phones.clips), events.name, len(events.clips)) == (
        "phones", 6, "events", 5,
    )  # fmt: skip
    assert phones.frame_labels is not None
    said = phones.frame_labels(phones.clips[0], np.array([0.0, 0.2, 0.4]))
    assert all(each.startswith("p") for each in said)
    again = probe_tasks(["events"], sizes=sizes)[0]
    for one, two in zip(events.clips, again.clips, strict=True):
        assert one.labels == two.labels
        assert np.array_equal(one.audio.waveform, two.audio.waveform)
    with pytest.raises(EarShotError, match="no recordings 'fsdd'.*EARSHOT_SHARED"):
        probe_tasks(["digits"])
    with pytest.raises(EarShotError, match="'phone'.*phones"):
        probe_tasks(["phone"])


def test_tasks_of_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fsdd", "stamps", "esc10", "instruments"):
        folder = shared_data(name)
    monkeypatch.setenv("EARSHOT_SHARED", str(folder.parents[1]))
    tasks = {task.name: task for task in probe_tasks(sizes=ProbeSizes(4, 3, 2, 3, 3))}
    assert list(tasks) == [
        "digits", "speakers", "languages", "surroundings", "instruments", "phones", "events",
    ]  # fmt: skip
    assert len({clip.labels for clip in tasks["surroundings"].clips}) == 10
    assert len({clip.labels for clip in tasks["languages"].clips}) >= 2
    digits = tasks["digits"].clips
    assert {clip.extra["fold"] for clip in digits} == {clip.group for clip in digits}
    assert {clip.labels for clip in tasks["speakers"].clips} == {(clip.group,) for clip in digits}
