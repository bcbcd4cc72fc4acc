from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.core.report import Report
from earshot.recipes import beats


def test_iterations_reach_the_recipe_that_goes_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run(config: beats.Config, *_: Any, **__: Any) -> Report:
        asked.append(config.iterations)
        return Report({})

    monkeypatch.setattr(beats, "run", run)
    words = ["run", "beats", "--out", str(tmp_path / "run")]
    for more in (["--iterations", "3"], []):
        assert CliRunner().invoke(app, [*words, *more]).exit_code == 0
    assert asked == [3, 2]


def test_other_recipes_have_no_iterations(tmp_path: Path) -> None:
    words = ["run", "clap", "--iterations", "3", "--out", str(tmp_path / "run")]
    fault = CliRunner().invoke(app, words).exception
    assert isinstance(fault, EarShotError)
    assert "a recipe that trains in rounds" in str(fault)
