from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.blacklist import SourceBlacklist
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


@pytest.mark.parametrize(
    ("text", "word"), [("{", "JSON"), ("[1]", "no lists"), ('{"AudioSet": "Yx"}', "no lists")]
)
def test_a_json_blacklist_that_is_none(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "black.json").write_text(text)
    with pytest.raises(EarShotError, match=word):
        SourceBlacklist.read(tmp_path / "black.json")


def test_ids_of_a_source_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "black.json").write_text('{"AudioSet": ["Y-0abcdefghij"], "FreeSound": [12]}')
    listed = SourceBlacklist.read(tmp_path / "black.json")
    assert len(listed) == 2
    assert listed.lists("AudioSet", ["Y-0abcdefghij.wav"])
    assert listed.lists("AudioCaps", ["Y-0abcdefghij"])
    assert listed.lists("Clotho", ["12.flac"])
    assert not listed.lists("SoundBible", ["12"])
    assert listed.lists("", ["12"])
