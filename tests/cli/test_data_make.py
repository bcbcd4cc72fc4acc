from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from earshot.cli import data_make
from earshot.core.errors import EarShotError


def run(*words: str):
    app = typer.Typer()
    app.callback()(lambda: None)
    data_make.register(app)
    return CliRunner().invoke(app, ["make", *words])


SMALL = ("--n", "2", "--set", "duration_s=1", "--set", 'relations={"single": 1}')


def test_it_makes_clips_and_says_where(tmp_path: Path) -> None:
    done = run(str(tmp_path / "out"), *SMALL)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "manifest.jsonl" in done.stderr
    assert len(list((tmp_path / "out" / "clips").glob("*.flac"))) == 2


def test_json_gives_a_row_a_clip(tmp_path: Path) -> None:
    done = run(str(tmp_path / "out"), *SMALL, "--format", "wav", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 2
    for row in rows:
        assert Path(row["path"]).is_file()
        assert {"captions", "labels", "events", "split", "seed"} <= row.keys()


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (("--kind", "songs"), "tunes"),
        (("--format", "ogg"), "flac"),
        (("--set", "durations=3"), "duration_s"),
        (("--set", "duration_s=-3"), "600 s"),
    ],
)
def test_faults_are_told(tmp_path: Path, words: tuple[str, ...], mend: str) -> None:
    done = run(str(tmp_path / "out"), "--n", "1", *words)
    assert isinstance(done.exception, EarShotError)
    assert mend in str(done.exception)
    assert not (tmp_path / "out" / "clips").exists()
