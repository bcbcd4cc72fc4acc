from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.training import staleness
from earshot.training.bench import run_experiment
from earshot.training.experiment import Arm, Comparison
from earshot.training.staleness import check_arms_kept, read_result, why_stale
from training.toy_experiment import ToyConfig, toy_experiment

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def result(tmp_path: Path) -> dict:
    return run_experiment(toy_experiment(), seeds=[5, 6], work=tmp_path)


def test_a_fresh_result_is_current_whatever_its_seeds(result: dict) -> None:
    assert why_stale(json.loads(json.dumps(result)), toy_experiment()) is None


def test_what_changed_is_said(result: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = toy_experiment()
    assert why_stale(None, experiment) == "it has no result"
    assert "config of method" in why_stale(result, toy_experiment(0.8))
    more = (*experiment.arms, Arm("new", ToyConfig(), "one more"))
    assert "a new arm, new" in why_stale(result, replace(experiment, arms=more))
    asked = (*experiment.comparisons, Comparison("toy", "chance", "method", 0.5))
    assert "comparisons" in why_stale(result, replace(experiment, comparisons=asked))
    old = {name: value for name, value in result.items() if name != "code"}
    assert "which code" in why_stale(old, experiment)
    monkeypatch.setattr(staleness, "source_digest", lambda module: "0" * 16)
    assert why_stale(result, experiment) == "its code changed"


def test_an_arm_that_cannot_be_measured_here_is_no_change_but_is_not_lost(result: dict) -> None:
    experiment = toy_experiment()
    here = replace(
        experiment,
        arms=experiment.arms[:1],
        comparisons=(Comparison("toy", "accuracy", "method", 0.5),),
    )
    result["comparisons"].append({"claim": "toy", "figure": "accuracy", "arm": "method"})
    assert why_stale(result, here) is None
    with pytest.raises(EarShotError, match=r"has not here: control.*EARSHOT_SHARED"):
        check_arms_kept(result, here, Path("results/clap.json"))
    check_arms_kept(result, experiment, Path("results/clap.json"))
    check_arms_kept(None, here, Path("results/clap.json"))


def test_a_broken_result_is_refused(tmp_path: Path) -> None:
    assert read_result(tmp_path / "none.json") is None
    (tmp_path / "clap.json").write_text("{")
    with pytest.raises(EarShotError, match="which is no results file"):
        read_result(tmp_path / "clap.json")
    assert read_result(RESULTS / "clap.json")["recipe"] == "clap"
