from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio, write_audio
from earshot.data import Clip
from earshot.training.labelled_clips import labelled, labelled_digits


def test_labels_are_numbered_by_their_names_and_sounds_are_resampled() -> None:
    tone = Audio(np.sin(np.arange(800) / 5).astype(np.float32), 8_000)
    clips = [Clip(tone, labels=(name,), id=name) for name in ("b", "a", "c")]
    waveforms, numbers = labelled(clips, ("a", "b", "c"), 16_000)
    assert numbers == [1, 0, 2]
    assert [len(each) for each in waveforms] == [1_600] * 3


def test_no_probe_learns_from_the_speaker_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each speaker's recordings have a length of their own."""
    folder = tmp_path / "fsdd"
    folder.mkdir()
    lines = ["path,transcript,speaker"]
    for speaker in range(3):
        for i, word in enumerate(("zero", "one")):
            name = f"{speaker}_{word}.wav"
            write_audio(folder / name, np.full(800 * (speaker + 1), 0.1 + i / 10), 8_000)
            lines.append(f"{name},{word},s{speaker}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    for seed in range(3):
        train, test = labelled_digits(seed, 10, 10, 8_000)
        assert {len(each) for each in test[0]} == {800 * (seed + 1)}
        assert len(train[0]) == 4
        assert not {len(each) for each in train[0]} & {len(each) for each in test[0]}
        assert sorted(test[1]) == [0, 1]
