from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.recipes import ctc_ot
from recipes.tiny_ctc_ot import tiny_sound_config, write_letters


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `sounds` and `run`."""
    folder = tmp_path_factory.mktemp("translate")
    manifest = write_letters(folder / "sounds", 8)
    ctc_ot.run(tiny_sound_config(steps=4), open_clips(manifest), folder / "run")
    return folder


def translate(*args: object) -> Any:
    return CliRunner().invoke(app, ["translate", *map(str, args)])


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_row_for_every_file(folder: Path) -> None:
    result = translate(folder / "sounds", "--to", "en", "--model", folder / "run", "--json")
    assert result.exit_code == 0, result.output
    found = rows(result)
    assert len(found) == 8
    assert {row["language"] for row in found} == {"en"}
    assert found[0].keys() == {"path", "text", "language", "duration_s"}
    assert "x real time" in result.stderr
    shown = translate(folder / "sounds" / "01.wav", "--model", folder / "run", "--beams", 1)
    assert shown.stdout.startswith(f"{folder / 'sounds' / '01.wav'}: ")


def test_failures_are_rows_sentences_and_exit_2(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    good = folder / "sounds" / "00.wav"
    result = translate(bad, good, "--model", folder / "run", "--json")
    assert result.exit_code == 2
    first, second = rows(result)
    assert first["path"] == str(bad)
    assert first["error"]
    assert second["path"] == str(good)
    assert f"failed: {bad}" in result.stderr
    assert "1 failed" in result.stderr


def test_a_file_of_rows_is_taken_up_again(folder: Path, tmp_path: Path) -> None:
    sounds, out = sorted((folder / "sounds").glob("*.wav")), tmp_path / "texts.jsonl"
    options = ("--model", folder / "run", "--out", out, "--json")
    assert len(rows(translate(*sounds[:3], *options))) == 3
    again = rows(translate(*sounds, *options))
    assert [row["path"] for row in again] == [str(path) for path in sounds[3:]]
    assert len(out.read_text().splitlines()) == 8
    other = translate(*sounds, *options, "--beams", 7)
    assert isinstance(other.exception, EarShotError)
    assert "a file that this very command wrote" in str(other.exception)


def test_another_language_is_a_sentence(folder: Path) -> None:
    result = translate(folder / "sounds", "--to", "fr", "--model", folder / "run")
    assert result.exit_code == 1
    assert "which writes 'en'" in str(result.exception)
