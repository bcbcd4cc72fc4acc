from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.recipes import ainu_adaptation
from recipes.tiny_ainu import tiny_sound_config, write_languages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `sounds` and `run`."""
    folder = tmp_path_factory.mktemp("transcribe")
    manifest = write_languages(folder / "sounds")
    ainu_adaptation.run(tiny_sound_config(), open_clips(manifest), folder / "run")
    return folder


def transcribe(*args: object) -> Any:
    return CliRunner().invoke(app, ["transcribe", *map(str, args)])


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_row_for_every_file(folder: Path) -> None:
    result = transcribe(folder / "sounds", "--model", folder / "run", "--json")
    assert result.exit_code == 0, result.output
    found = rows(result)
    assert len(found) == 24
    assert found[0].keys() == {"path", "text", "words", "duration_s"}
    assert all(row["text"] == " ".join(word["word"] for word in row["words"]) for row in found)
    words = [word for row in found for word in row["words"]]
    assert all(word["start_s"] <= word["end_s"] for word in words)
    assert "x real time" in result.stderr
    shown = transcribe(folder / "sounds" / "01.wav", "--model", folder / "run")
    assert shown.stdout.startswith(f"{folder / 'sounds' / '01.wav'}: ")


def test_failures_are_rows_sentences_and_exit_2(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    good = folder / "sounds" / "00.wav"
    result = transcribe(bad, good, "--model", folder / "run", "--json")
    assert result.exit_code == 2
    first, second = rows(result)
    assert first["path"] == str(bad)
    assert first["error"]
    assert second["path"] == str(good)
    assert "1 failed" in result.stderr


def test_a_file_of_rows_is_taken_up_again(folder: Path, tmp_path: Path) -> None:
    sounds, out = sorted((folder / "sounds").glob("*.wav")), tmp_path / "texts.jsonl"
    options = ("--model", folder / "run", "--out", out, "--json")
    assert len(rows(transcribe(*sounds[:3], *options))) == 3
    again = rows(transcribe(*sounds, *options))
    assert [row["path"] for row in again] == [str(path) for path in sounds[3:]]
    assert len(out.read_text().splitlines()) == 24


def test_another_model_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    result = transcribe(folder / "sounds", "--model", tmp_path)
    assert result.exit_code == 1
    assert isinstance(result.exception, EarShotError)
    assert "holds no recogniser" in str(result.exception)
