from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.row_file import RowFile


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.wav", "b.wav", os.fsdecode(b"caf\xe9.wav"))]
    for path in paths:
        path.write_bytes(b"sound")
    return paths


def run(out: Path, files: list[Path], settings: str = "s") -> list[str]:
    """Do what is not done; the names that were."""
    done = []
    with RowFile(out, settings) as rows:
        for path in files:
            if not rows.has(path):
                rows.write(path, {"path": str(path), "label": path.read_text()})
                done.append(path.name)
    return done


def rows_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_only_what_is_missing_is_done(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "deep" / "x.jsonl"
    assert run(out, files[:2]) == ["a.wav", "b.wav"]
    assert run(out, files) == [files[2].name]
    assert run(out, files) == []
    assert [row["path"] for row in rows_of(out)] == [str(path) for path in files]


def test_every_row_is_on_disk_at_once(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    with RowFile(out, "s") as rows:
        assert not rows.has(files[0])
        rows.write(files[0], {"label": "dog"})
        assert rows_of(out)[0]["label"] == "dog"


def test_a_row_cut_short_is_done_again(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    run(out, files)
    whole = out.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in (ends[0], ends[0] + 1, ends[1] - 1, ends[1] + 20, len(whole) - 1):
        out.write_bytes(whole[:cut])
        n_whole = sum(end <= cut for end in ends)
        assert run(out, files) == [path.name for path in files[n_whole:]]
        assert out.read_bytes() == whole


def test_a_changed_file_is_done_anew_and_its_old_row_goes(
    files: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "x.jsonl"
    run(out, files)
    files[0].write_bytes(b"another sound")
    assert run(out, files) == ["a.wav"]
    assert [(Path(row["path"]).name, row["label"]) for row in rows_of(out)] == [
        ("b.wav", "sound"),
        (files[2].name, "sound"),
        ("a.wav", "another sound"),
    ]


def test_rows_of_other_settings_are_not_mixed_in(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    run(out, files)
    before = out.read_bytes()
    with pytest.raises(EarShotError, match="another model, other labels"):
        run(out, files, "t")
    assert out.read_bytes() == before
    for notes in ("my notes\n", "my notes", '{"a": 1}\n'):
        (tmp_path / "notes.txt").write_text(notes)
        with pytest.raises(EarShotError, match="line 1, which is not a row"):
            run(tmp_path / "notes.txt", files)
        assert (tmp_path / "notes.txt").read_text() == notes
    with pytest.raises(EarShotError, match="--out"):
        run(tmp_path, files)
