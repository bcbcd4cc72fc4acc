from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from tiny_sounds import tone


def test_subfolders_are_labels(tmp_path: Path) -> None:
    for name in ("dog_bark/a.wav", "rain/deep/b.flac", "loose.wav"):
        tone(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a sound")
    clips = open_clips(tmp_path)
    found = {clip.id: clip.labels for clip in clips}
    assert found == {
        "dog_bark/a.wav": ("dog bark",),
        "rain/deep/b.flac": ("rain",),
        "loose.wav": (),
    }


def test_folders_named_as_splits(tmp_path: Path) -> None:
    for name in ("train/dog/a.wav", "test/cat/b.wav", "test/dog/c.wav"):
        tone(tmp_path / name)
    clips = open_clips(tmp_path)
    assert (clips.splits, clips.labels) == (("test", "train"), ("cat", "dog"))
    assert [clip.labels for clip in clips.split("train")] == [("dog",)]


def test_a_folder_without_sound(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="no clip"):
        open_clips(tmp_path)
    with pytest.raises(EarShotError, match="not there"):
        open_clips(tmp_path / "gone")
