from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.training import bench
from earshot.training.bench import measure_arms, missing_arms, run_experiment
from earshot.training.experiment import Comparison, Experiment
from training.toy_experiment import toy_experiment


def measured(work: Path) -> dict[str, str]:
    """How often each trial was measured, by its folder's arm and seed."""
    return {
        f"{path.parent.parent.name} {path.parent.name[:6]}": path.read_text()
        for path in work.rglob("measured")
    }


def test_the_result_says_everything(tmp_path: Path) -> None:
    result = run_experiment(toy_experiment(), seeds=range(3), work=tmp_path)
    method = result["arms"]["method"]
    assert method["figures"]["accuracy"]["per_seed"] == pytest.approx([0.9, 0.91, 0.94])
    assert method["figures"]["accuracy"]["mean"] == pytest.approx(2.75 / 3)
    assert method["config"] == {"skill": 0.9, "seed": 0}
    first, second, third = result["comparisons"]
    assert first["differences"] == pytest.approx([0.7, 0.7, 0.7])
    assert first["verdict"] == "holds"
    assert second["mean_difference"] == pytest.approx(0.05 / 3 - 0.3)
    assert second["verdict"] == "fails"
    assert third["differences"] == pytest.approx([0.8, 0.81, 0.84])
    assert result["seeds"] == [0, 1, 2]
    assert {"machine", "minutes", "commit", "cpu_minutes"} <= result.keys()
    assert json.loads(json.dumps(result)) == result


def test_what_is_done_is_kept(tmp_path: Path) -> None:
    first = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path)
    again = run_experiment(toy_experiment(), seeds=range(3), work=tmp_path)
    assert set(measured(tmp_path).values()) == {"x"}  # nothing was measured twice
    assert len(measured(tmp_path)) == 6
    arms = first["arms"]["method"]["minutes"]
    assert again["arms"]["method"]["minutes"][:2] == arms


def test_another_config_is_measured_anew(tmp_path: Path) -> None:
    run_experiment(toy_experiment(0.9), seeds=[0], work=tmp_path)
    result = run_experiment(toy_experiment(0.8), seeds=[0], work=tmp_path)
    assert result["arms"]["method"]["figures"]["accuracy"]["per_seed"] == [0.8]
    assert len(list(tmp_path.glob("method/seed-0-*"))) == 2
    assert len(list(tmp_path.glob("control/seed-0-*"))) == 1


def test_other_code_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_experiment(toy_experiment(), seeds=[0], work=tmp_path)
    monkeypatch.setattr(bench, "source_digest", lambda module: "0123456789abcdef")
    run_experiment(toy_experiment(), seeds=[0], work=tmp_path)
    assert len(list(tmp_path.glob("method/seed-0-*"))) == 2


def test_a_killed_claim_goes_on(tmp_path: Path) -> None:
    experiment = toy_experiment()
    taken = []

    def killed(config, out):
        if len(taken) == 3:
            raise KeyboardInterrupt
        taken.append(config)
        return experiment.measure(config, out)

    with pytest.raises(KeyboardInterrupt):
        run_experiment(replace(experiment, measure=killed), seeds=range(2), work=tmp_path)
    notes = []
    run_experiment(experiment, seeds=range(2), work=tmp_path, note=notes.append)
    assert sum("kept from before" in note for note in notes) == 3
    assert set(measured(tmp_path).values()) == {"x"}


def test_workers_give_the_same_figures(tmp_path: Path) -> None:
    one = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path / "one")
    two = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path / "two", workers=2)
    assert one["comparisons"] == two["comparisons"]


def test_every_trial_computes_in_one_thread(tmp_path: Path) -> None:
    import torch

    before, seen = torch.get_num_threads(), []

    def measure(config, out):
        seen.append(torch.get_num_threads())
        return toy_experiment().measure(config, out)

    run_experiment(replace(toy_experiment(), measure=measure), seeds=[0], work=tmp_path)
    assert seen == [1, 1]
    assert torch.get_num_threads() == before


def test_one_arm_alone_then_the_rest(tmp_path: Path) -> None:
    experiment = toy_experiment()
    trials = measure_arms(experiment, seeds=range(2), work=tmp_path, only=["control"])
    assert {arm for arm, _ in trials} == {"control"}
    assert missing_arms(experiment, trials, range(2)) == ["method"]
    whole = measure_arms(experiment, seeds=range(2), work=tmp_path)
    assert missing_arms(experiment, whole, range(2)) == []
    assert set(measured(tmp_path).values()) == {"x"}
    with pytest.raises(EarShotError, match="Did you mean 'control'"):
        measure_arms(experiment, seeds=[0], work=tmp_path, only=["contrl"])


def test_a_figure_that_nobody_measured_is_named(tmp_path: Path) -> None:
    experiment = replace(
        toy_experiment(), comparisons=(Comparison("toy", "recall", "method", "control"),)
    )
    with pytest.raises(EarShotError, match="no figure 'recall' from arm 'method'"):
        run_experiment(experiment, seeds=[0], work=tmp_path)


def test_an_arm_that_is_not_there_is_named() -> None:
    experiment = toy_experiment()
    with pytest.raises(EarShotError, match="Did you mean 'method'"):
        Experiment(
            experiment.recipe,
            experiment.arms,
            (Comparison("toy", "accuracy", "methods", 0.1),),
            experiment.measure,
        )
