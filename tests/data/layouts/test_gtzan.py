from __future__ import annotations

from pathlib import Path

import pytest

from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import tone


def tiny(root: Path) -> None:
    for genre in ("blues", "jazz"):
        for n in (53, 54):
            tone(root / genre / f"{genre}.{n:05}.wav")


@pytest.mark.parametrize("root", ["genres_original", "Data/genres_original", "genres"])
def test_genres_are_labels(tmp_path: Path, root: str) -> None:
    tiny(tmp_path / root)
    assert recognise(tmp_path) == "gtzan"
    clips = open_clips(tmp_path)
    assert (len(clips), clips.labels, clips.faults) == (4, ("blues", "jazz"), ())


def test_the_broken_track_is_reported_and_left_out(tmp_path: Path) -> None:
    tiny(tmp_path / "genres_original")
    (tmp_path / "genres_original" / "jazz" / "jazz.00054.wav").write_bytes(b"\0" * 1_000)
    clips = open_clips(tmp_path)
    assert [clip.id for clip in clips] == ["blues.00053", "blues.00054", "jazz.00053"]
    (fault,) = clips.faults
    assert (fault.clip, fault.kind, fault.severity) == ("jazz.00054", "bad_audio", "warning")


def test_filtered_splits(tmp_path: Path) -> None:
    tiny(tmp_path / "genres_original")
    (tmp_path / "train_filtered.txt").write_text("blues/blues.00053.wav\njazz/jazz.00053.wav\n")
    (tmp_path / "test_filtered.txt").write_text("blues/blues.00054.wav\n")
    clips = open_clips(tmp_path)
    assert [clip.split for clip in clips] == ["train", "test", "train", None]
