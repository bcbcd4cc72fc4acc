from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import DataError, open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

HEADER = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]


def tiny(folder: Path) -> Path:
    """Ten clips of five sources in two classes."""
    rows = []
    for n in range(10):
        name = f"{n // 2 + 1}-{100 + n // 2}-{'AB'[n % 2]}-{n % 3}.wav"
        tone(folder / "audio" / name)
        category = ["dog", "crackling_fire"][n % 2]
        rows.append([name, n // 2 + 1, n % 3, category, True, 100 + n // 2, "AB"[n % 2]])
    table(folder / "meta" / "esc50.csv", HEADER, rows)
    return folder


def test_clips_labels_and_folds(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    assert recognise(folder) == "esc50"
    clips = open_clips(folder)
    assert (clips.name, len(clips), clips.labels) == ("ESC-50", 10, ("crackling fire", "dog"))
    assert clips[0].id == "1-100-A-0"
    assert clips[0].audio.is_file()
    assert [len(fold.held_out) for fold in clips.folds()] == [2] * 5
    for fold in clips.folds():
        assert not {clip.group for clip in fold.train} & {clip.group for clip in fold.held_out}


def test_a_missing_sound_is_named_by_line(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    (folder / "audio" / "1-100-A-0.wav").unlink()
    with pytest.raises(DataError, match=r"esc50\.csv, line 2: clip 1-100-A-0\.wav"):
        open_clips(folder)
    assert len(open_clips(folder, on_fault="skip")) == 9


def test_another_table_under_that_name(tmp_path: Path) -> None:
    table(tmp_path / "meta" / "esc50.csv", ["name", "label"], [["a.wav", "dog"]])
    with pytest.raises(EarShotError, match="filename, category"):
        open_clips(tmp_path)


def test_asked_for_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match=r"meta/esc50\.csv and audio/"):
        open_clips(tmp_path, layout="esc50")
    with pytest.raises(EarShotError, match="Did you mean 'esc50'"):
        open_clips(tmp_path, layout="esc-50")
