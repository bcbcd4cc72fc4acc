from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from earshot.cli.main import app
from published import clap_directory
from toy_embedder import TONES, write_tones


def evaluate(*words: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, words)], catch_exceptions=True)


def test_the_page_s_commands_are_known() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    lines = re.findall(r"^\$ earshot evaluate (.*)$", page, re.MULTILINE)
    group = typer.main.get_command(app).commands["evaluate"]
    assert {shlex.split(line)[0] for line in lines} == set(group.commands)
    for line in lines:
        task, *words = shlex.split(line)
        known = {option for each in group.commands[task].params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_tones(tmp_path, {f"{word}_{i}.wav": (word,) * (i + 1) for word in TONES for i in (0, 1)})
    path = tmp_path / "clips.csv"
    rows = [f"{word}_{i}.wav,{word},a {word}" for word in TONES for i in (0, 1)]
    path.write_text("path,label,caption\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("task", ["zero-shot", "retrieval", "probe", "few-shot", "zste"])
def test_a_task_writes_its_folder(table: Path, tmp_path: Path, task: str) -> None:
    out = tmp_path / "out"
    extra = {"zste": ("--pairs", 4), "few-shot": ("--examples", 1, "--draws", 4)}.get(task, ())
    done = evaluate(task, "--data", table, "--out", out, "--json", *extra)
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    assert row["task"] == task
    assert row["metrics"]
    assert json.loads((out / "results.json").read_text())["results"] == [row]
    page = (out / "results.md").read_text()
    assert all(f"| {name} |" in page for name in row["metrics"])
    assert (out / "results.svg").read_text().startswith("<svg")


def test_a_foreign_model_is_held_against_the_first(table: Path, tmp_path: Path) -> None:
    clap_directory(tmp_path / "clap", fused=False)
    one = ("--model", "earshot-small", "--model", tmp_path / "clap")
    done = evaluate("zero-shot", "--data", table, *one, "--json")
    assert done.exit_code == 0, done.output
    first, second, difference = map(json.loads, done.stdout.splitlines())
    assert difference["against"] == first["model"]
    found = {each["figure"]: each["value"] for each in difference["differences"]}
    gap = second["metrics"]["accuracy"] - first["metrics"]["accuracy"]
    assert found["accuracy"] == pytest.approx(gap)


def test_a_broken_file_is_listed_and_the_rest_is_measured(table: Path, tmp_path: Path) -> None:
    (tmp_path / "dog_0.wav").write_bytes(b"no sound at all")
    done = evaluate("zero-shot", "--data", table, "--json")
    assert done.exit_code == 2
    row = json.loads(done.stdout)
    assert row["n"] == 2 * len(TONES) - 1
    assert [each["path"] for each in row["failures"]] == ["dog_0.wav"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("zero-shot", "--prompt", "a {label}", "--prompts", "descriptive"), "both --prompt and"),
        (("zero-shot", "--labels", "dog,cat"), "label of the data"),
        (("few-shot", "--examples", "2"), "for 2 examples"),
        (("zste", "--event", "0"), "event_s=0"),
        (("retreival",), "retrieval"),
    ],
)
def test_mistakes_are_sentences(table: Path, words: tuple[str, ...], sentence: str) -> None:
    done = evaluate(words[0], "--data", table, *words[1:])
    assert done.exit_code != 0
    assert sentence in str(done.exception)
