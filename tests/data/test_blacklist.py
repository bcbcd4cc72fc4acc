from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from tiny_sounds import table, tone


def test_clips_are_left_out_by_id_path_and_name(tmp_path: Path) -> None:
    rows = [[f"in/{n}.wav", f"id{n}"] for n in range(6)]
    for name, _ in rows:
        tone(tmp_path / name)
    path = table(tmp_path / "m.csv", ["path", "id"], rows)
    listed = ["# seen in training elsewhere", "id0", "", "in/1.wav", "2.wav", "3", "id99"]
    (tmp_path / "black.txt").write_text("\r\n".join(listed), "utf-8")
    clips = open_clips(path, blacklist=tmp_path / "black.txt")
    assert [clip.id for clip in clips] == ["id4", "id5"]


def test_a_blacklist_that_is_not_there(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav")
    with pytest.raises(EarShotError, match="blacklist"):
        open_clips(tmp_path, blacklist=tmp_path / "gone.txt")
