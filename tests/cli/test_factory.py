"""earshot factory as a person calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earshot.cli.main import app
from factories.stub_stages import draw

RECIPE = ("--recipe", "factories.stub_recipe")


def factory(*words: object) -> Result:
    return CliRunner().invoke(app, ["factory", *map(str, words)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A table of 40 clips of text."""
    path = tmp_path / "clips.jsonl"
    rows = [{"id": f"c{i:02d}", "label": ["Dog"], "title": "a dog"} for i in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_run_and_what_is_made_of_it(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = factory("run", *RECIPE, source, "--out", out, "--json")
    assert first.exit_code == 0, first.output
    *items, summary = [json.loads(line) for line in first.stdout.splitlines()]
    assert len(items) == 40
    kept = [item["id"] for item in items if "rejected" not in item]
    assert summary["summary"]["accepted"] == len(kept)
    assert summary["summary"]["stages"]["write"]["prompt_tokens"] > 0
    assert "40 clips taken, 0 kept" in first.stderr
    again = factory("run", *RECIPE, source, "--out", out)
    assert "0 clips taken, 40 kept" in again.stderr
    assert {"README.md", "statistics.json", "factory.json", "sampler.html"} <= {
        path.name for path in out.iterdir()
    }
    assert factory("export", out, "--to", tmp_path / "c.csv").exit_code == 0
    with (tmp_path / "c.csv").open(encoding="utf-8") as file:
        assert [row["id"] for row in csv.DictReader(file)] == kept
    stats = factory("stats", out, "--json")
    assert json.loads(stats.stdout)["clips"]["accepted"] == len(kept)
    assert "words per caption" in factory("stats", out).stdout
    assert "sampler.html" in factory("sample", out, "-n", 3).stderr
    assert factory("lint", out).exit_code == 0


def test_what_failed_is_listed_with_status_2(source: Path, tmp_path: Path) -> None:
    good = next(f"c{i:02d}" for i in range(40) if draw(f"c{i:02d}", "note") >= 0.1)
    broken = tmp_path / "broken"
    broken.write_text(good)
    words = (*RECIPE, source, "--out", tmp_path / "out", "--set", f"broken={broken}")
    result = factory("run", *words)
    assert result.exit_code == 2
    assert f"failed: {good}: gate: no_answer: HTTP 503" in result.stderr
    assert json.loads((tmp_path / "out" / "failed.jsonl").read_text())["id"] == good
    broken.write_text("")
    assert factory("run", *words).exit_code == 0


def test_a_row_that_is_no_clip_is_listed_too(source: Path, tmp_path: Path) -> None:
    with source.open("a") as file:
        file.write("not JSON\n")
    result = factory("run", *RECIPE, source, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "failed: clips.jsonl:41: read: bad_row" in result.stderr
    assert "40 clips taken" not in result.stderr


def test_a_job_of_a_file(source: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text(
        f'recipe = "{RECIPE[1]}"\nsource = "{source.name}"\nout = "out"\n[prices]\nprompt = 5\n'
    )
    result = factory("run", job)
    assert result.exit_code == 0, result.output
    assert "USD" in result.stderr
    assert (tmp_path / "out" / "parts.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "neither CONFIG nor --recipe"),
        (("run", *RECIPE, "--out", "o"), "no SOURCE"),
        (("run", *RECIPE, "clips"), "no --out"),
        (("run", *RECIPE, "a", "b", "--out", "o"), "2 words"),
        (("run", *RECIPE, "a", "--out", "o", "--llm", "http://localhost/v1"), "--llm-model"),
        (("run", "--recipe", "nonesuch", "a", "--out", "o"), "recipe 'nonesuch'"),
        (("export", "out", "--to", "x", "--as", "csvs"), "Did you mean 'csv'"),
        (("stats", "nowhere"), "earshot factory run has filled"),
    ],
)
def test_words_that_make_no_job_are_refused(words: tuple[str, ...], said: str) -> None:
    result = factory(*words)
    assert result.exit_code == 1
    assert said in str(result.exception)


def test_the_linter_lists_and_counts(tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_text("id,text\n1,A dog [barks]\n2,Rain falls.\n3,A cat meows 0.93\n")
    result = factory("lint", table)
    assert result.exit_code == 2
    assert "captions.csv, line 2" in result.stdout
    assert "3 captions, 2 faulty, 2 caption leak" in result.stdout
    rows = [json.loads(line) for line in factory("lint", table, "--json").stdout.splitlines()]
    assert [row.get("kind") for row in rows] == ["caption_leak", "caption_leak", None]
