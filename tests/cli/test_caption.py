from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from earshot.audio import write_audio
from earshot.cli.caption import captioned_line
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.jobs.caption import Captioned, CaptionedWindow
from earshot.recipes import soft_hard_prompts
from published import clap_directory
from recipes.tiny_soft_hard import tiny_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `sounds` and `run`."""
    folder = tmp_path_factory.mktemp("caption")
    (folder / "sounds").mkdir()
    for i in range(3):
        noise = np.random.default_rng(i).normal(0, 0.1, 16_000).astype(np.float32)
        write_audio(folder / "sounds" / f"{i}.wav", noise, 16_000)
    soft_hard_prompts.run(tiny_config(), None, folder / "run")
    return folder


def caption(*args: object) -> Any:
    return CliRunner().invoke(app, ["caption", *map(str, args), "--max-tokens", "4"])


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_row_for_every_file(folder: Path) -> None:
    result = caption(folder / "sounds", "--model", folder / "run", "--json", "--beams", 2)
    assert result.exit_code == 0, result.output
    found = rows(result)
    assert len(found) == 3
    assert found[0].keys() == {"path", "caption", "windows", "duration_s"}
    assert found[0]["windows"][0].keys() == {"start_s", "end_s", "caption", "score"}
    assert "x real time" in result.stderr
    shown = caption(folder / "sounds" / "1.wav", "--model", folder / "run", "--beams", 1)
    assert shown.stdout.startswith(f"{folder / 'sounds' / '1.wav'}: ")
    drawn = ("--samples", 2, "--temperature", 2, "--rerank", "likelihood", "--json")
    result = caption(folder / "sounds" / "1.wav", "--model", folder / "run", *drawn)
    assert len(rows(result)) == 1
    refused = caption(folder / "sounds", "--model", folder / "run", "--rerank", "encoder")
    assert "without that judge" in str(refused.exception)


def test_failures_are_rows_sentences_and_exit_2(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    good = folder / "sounds" / "0.wav"
    result = caption(bad, good, "--model", folder / "run", "--json")
    assert result.exit_code == 2
    first, second = rows(result)
    assert first["path"] == str(bad)
    assert first["error"]
    assert second["path"] == str(good)
    assert f"failed: {bad}" in result.stderr


def test_a_file_of_rows_is_taken_up_again(folder: Path, tmp_path: Path) -> None:
    sounds, out = sorted((folder / "sounds").glob("*.wav")), tmp_path / "captions.jsonl"
    options = ("--model", folder / "run", "--out", out, "--json")
    assert len(rows(caption(*sounds[:2], *options))) == 2
    with out.open("ab") as file:
        file.write(b'{"path": "half')  # what a kill leaves
    again = rows(caption(*sounds, *options))
    assert [row["path"] for row in again] == [str(sounds[2])]
    assert len(out.read_text().splitlines()) == 3
    other = caption(*sounds, *options, "--beams", 3)
    assert isinstance(other.exception, EarShotError)
    assert "a file that this very command wrote" in str(other.exception)


def test_without_a_model_the_shipped_one_writes(folder: Path) -> None:
    own = rows(caption(folder / "sounds", "--json"))
    assert [row["path"] for row in own] == [str(folder / "sounds" / f"{i}.wav") for i in range(3)]
    assert all(row["caption"] for row in own)
    assert rows(caption(folder / "sounds", "--model", "earshot-captioner", "--json")) == own
    other = caption(folder / "sounds", "--model", "earshot-captoner")
    assert other.exit_code == 1
    assert "Leave --model out for earshot-captioner" in str(other.exception)


def test_long_sounds_have_times() -> None:
    windows = (CaptionedWindow(0, 10, "a dog", -1), CaptionedWindow(3_670, 3_680, "rain", -1))
    assert captioned_line(Captioned("x.wav", windows, 3_680)) == "x.wav: 0:00 a dog | 1:01:10 rain"
    assert captioned_line(Captioned("x.wav", windows[:1], 10)) == "x.wav: a dog"


def train(table: Path, out: Path, *more: object) -> Any:
    """A tiny writer on a table of captions."""
    lines = [f"{i},sound {i} of rain and bells" for i in range(24)]
    table.write_text("\n".join(["id,caption", *lines]) + "\n")
    sets = ["fit.steps=2", "model.writer.dim=32", "model.writer.depth=1", "batch_size=4"]
    command = ["run", "soft_hard_prompts", "--data", table, "--out", out, "--json", *more]
    words = [*map(str, command), *(word for each in sets for word in ("--set", each))]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])["values"]


def test_a_captioner_is_trained_on_a_table_of_captions(folder: Path, tmp_path: Path) -> None:
    assert "held_out_cider_d" in train(tmp_path / "captions.csv", tmp_path / "run")
    assert caption(folder / "sounds" / "0.wav", "--model", tmp_path / "run").exit_code == 0


def test_a_published_clap_goes_into_the_run(folder: Path, tmp_path: Path) -> None:
    clap_directory(tmp_path / "clap", fused=False)
    train(tmp_path / "captions.csv", tmp_path / "run", "--model", tmp_path / "clap")
    sound, options = folder / "sounds" / "0.wav", ("--model", tmp_path / "run", "--json")
    before = rows(caption(sound, *options))
    shutil.rmtree(tmp_path / "clap")
    assert rows(caption(sound, *options)) == before
    shutil.rmtree(tmp_path / "run" / "clap")
    lost = caption(sound, *options)
    assert isinstance(lost.exception, EarShotError)
    assert "without its CLAP" in str(lost.exception)
