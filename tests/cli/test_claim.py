"""earshot claim over many recipes, arms and cores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import earshot.recipes
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from training.toy_experiment import toy_experiment


class Recipe:
    """Stands for a recipe's module: what its claim trains may change."""

    def __init__(self, key: str) -> None:
        self.key, self.skill, self.figure = key, 0.9, "accuracy"

    def claim(self):
        experiment = toy_experiment(self.skill)
        first = replace(experiment.comparisons[0], figure=self.figure)
        return replace(
            experiment, recipe=self.key, comparisons=(first, *experiment.comparisons[1:])
        )


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Recipe]:
    found = {key: Recipe(key) for key in ("one", "two")}
    monkeypatch.setattr(earshot.recipes, "keys", lambda: sorted(found))
    monkeypatch.setattr(earshot.recipes, "find_recipe", found.__getitem__)
    monkeypatch.chdir(tmp_path)
    return found


def claim(*words: str) -> Result:
    return CliRunner().invoke(app, ["claim", *words])


def result_of(key: str) -> dict:
    return json.loads(Path(f"results/{key}.json").read_text())


def test_all_then_only_what_changed(recipes: dict[str, Recipe]) -> None:
    done = claim("--all", "--seeds", "2")
    assert done.exit_code == 0, done.output
    assert result_of("one")["seeds"] == result_of("two")["seeds"] == [0, 1]
    again = claim("--changed")
    assert again.stderr.count("nothing changed") == 2
    recipes["two"].skill = 0.7
    changed = claim("--changed", "--json")
    assert "one: nothing changed" in changed.stderr
    assert "two: measured anew, the config of method changed" in changed.stderr
    rows = [json.loads(line) for line in changed.stdout.splitlines() if line.startswith("{")]
    assert {row["recipe"] for row in rows} == {"two"}
    assert result_of("two")["seeds"] == [0, 1]  # as many as before
    assert changed.stderr.count("kept from before") == 2  # the control's


def test_a_recipe_that_fails_costs_no_other(recipes: dict[str, Recipe]) -> None:
    recipes["one"].figure = "recall"
    done = claim("--all", "--seeds", "2")
    assert done.exit_code == 2
    assert "failed: one: got no figure 'recall'" in done.stderr
    assert result_of("two")["recipe"] == "two"
    assert not Path("results/one.json").exists()


def test_one_arm_now_the_result_when_all_are_there(recipes: dict[str, Recipe]) -> None:
    first = claim("one", "--only", "control", "--seeds", "2")
    assert first.exit_code == 0
    assert "Still to be measured, so no result yet: method" in first.stderr
    assert not Path("results/one.json").exists()
    claim("one", "--only", "method", "--seeds", "2")
    assert result_of("one")["comparisons"][0]["verdict"] == "holds"


def test_the_interval_that_was_asked_for(recipes: dict[str, Recipe]) -> None:
    claim("one", "--interval", "bootstrap")
    assert result_of("one")["interval"].startswith("95 % bootstrap")


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (("one", "--all"), "Leave one out"),
        (("one", "--interval", "normal"), "bootstrap, t"),
        (("one", "--only", "contrl"), "Did you mean 'control'"),
        ((), "earshot claim clap"),
    ],
)
@pytest.mark.usefixtures("recipes")
def test_faults_are_a_sentence_with_its_mend(words: tuple[str, ...], mend: str) -> None:
    fault = claim(*words).exception
    assert isinstance(fault, EarShotError)
    assert mend in str(fault)


def test_arms_that_cannot_be_measured_here_are_not_lost(recipes: dict[str, Recipe]) -> None:
    claim("one", "--seeds", "2")
    path = Path("results/one.json")
    result = result_of("one")
    result["arms"]["on real sounds"] = result["arms"]["control"]
    path.write_text(json.dumps(result))
    refused = claim("one")
    assert "EARSHOT_SHARED" in str(refused.exception)
    assert json.loads(path.read_text()) == result
