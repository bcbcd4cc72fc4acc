"""earshot catalogue, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earshot.catalogue import KINDS, catalogue
from earshot.cli.main import app
from earshot.core.errors import EarShotError


def called(*words: str) -> Result:
    return CliRunner().invoke(app, ["catalogue", *words])


def test_all_of_it_is_a_line_each() -> None:
    result = called()
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) == len(catalogue().entries) + len(KINDS)
    assert any(line.startswith("  * clap ") for line in lines)
    assert any(line.startswith("    audiogen ") for line in lines) or "* audiogen" in result.output


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_shows_every_cell(kind: str) -> None:
    output = called(kind).output
    for entry in catalogue().of(kind):
        assert f"{entry.name}  (" in output
        assert f"    licence      {entry.license}" in output


def test_filters_and_json() -> None:
    result = called("models", "--task", "captioning", "--family", "captioning", "--json")
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert {"slam_aac", "beats_bart"} <= {row["name"] for row in rows}
    for row in rows:
        assert row["family"] == "captioning"
        assert "captioning" in row["tasks"]
        assert row["here"] == (row["status"] in ("recipe", "here"))
    found = [
        json.loads(line)
        for line in called("--architecture", "cooperated", "--json").output.splitlines()
    ]
    assert {row["kind"] for row in found} == {"models"}
    nothing = called("datasets", "--stage", "P1")
    assert (nothing.exit_code, nothing.stdout) == (0, "")


def test_unknown_words_are_offered_the_nearest() -> None:
    for words, said in (
        (["dataset"], "Did you mean 'datasets'"),
        (["--task", "taging"], "Did you mean 'tagging'"),
        (["--family", "aligned"], "Did you mean 'alignment'"),
    ):
        fault = called(*words).exception
        assert isinstance(fault, EarShotError)
        assert said in str(fault)


def test_it_never_imports_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from earshot.cli.main import app\n"
        "assert CliRunner().invoke(app, ['catalogue', 'models']).exit_code == 0\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    source = Path(__file__).parents[2] / "src"
    env = {"PYTHONPATH": str(source)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300, env=env)
