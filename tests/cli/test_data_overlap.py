"""earshot data overlap, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from tiny_sounds import table


def overlap(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", "overlap", *map(str, words)])


def numbered(path: Path, ids: range) -> Path:
    return table(path, ["id", "freesound_id"], [[f"clip {i}", i] for i in ids])


def test_shared_recordings_are_listed_and_end_in_2(tmp_path: Path) -> None:
    a, b = numbered(tmp_path / "a.csv", range(20)), numbered(tmp_path / "b.csv", range(5, 30))
    result = overlap(a, b, "--blacklist", tmp_path / "out.txt")
    assert result.exit_code == 2
    assert "  freesound 10: 1 and 1 clips, clip 10 and clip 10\n" in result.output
    assert "... and 5 more (--all lists them)" in result.output
    assert "a: 15 of 20 clips (75.0 %) are of recordings that the other has" in result.output
    listed = (tmp_path / "out.txt").read_text("utf-8").splitlines()
    assert listed[0].startswith("#")
    assert set(listed[1:]) == {f"clip {i}" for i in range(5, 20)}
    assert "more (--all" not in overlap(a, b, "--all").output


def test_none_shared_ends_in_0(tmp_path: Path) -> None:
    a, b = numbered(tmp_path / "a.csv", range(5)), numbered(tmp_path / "b.csv", range(5, 9))
    result = overlap(a, b)
    assert (result.exit_code, "No recording shared." in result.output) == (0, True)


def test_json_rows_and_summary(tmp_path: Path) -> None:
    a, b = numbered(tmp_path / "a.csv", range(5)), numbered(tmp_path / "b.csv", range(4, 9))
    row, summary = map(json.loads, overlap(a, b, "--json").output.splitlines())
    assert row == {
        "type": "shared", "site": "freesound", "id": "4", "a": ["clip 4"], "b": ["clip 4"],
    }  # fmt: skip
    assert (summary["n_shared"], summary["sites"]) == (1, ["freesound"])
    assert summary["a"] == {
        "name": "a", "n_clips": 5, "n_recordings": 5, "n_without_source": 0, "n_shared_clips": 1,
    }  # fmt: skip


def test_ids_of_different_sites_and_bad_columns_are_said(tmp_path: Path) -> None:
    a = numbered(tmp_path / "a.csv", range(5))
    b = table(tmp_path / "b.csv", ["ytid"], [["-abc_D12345"]])
    fault = overlap(a, b).exception
    assert isinstance(fault, EarShotError)
    assert "from freesound, beside" in str(fault)
    fault = overlap(a, b, "--ids-a", "source_id").exception
    assert isinstance(fault, EarShotError)
    assert "freesound=source_id" in str(fault)
    mine = table(tmp_path / "mine.csv", ["path", "source"], [["x.wav", 3]])
    assert overlap(a, mine, "--ids-b", "freesound=source").exit_code == 2
