"""An experiment that measures in no time: what an arm gives is a formula of its config and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from earshot.training.experiment import Arm, Comparison, Experiment


@dataclass(frozen=True)
class ToyConfig:
    skill: float = 0.5
    seed: int = 0


def measure(config: ToyConfig, out: Path) -> Mapping[str, float]:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "measured").open("a") as file:
        file.write("x")
    return {"accuracy": config.skill + 0.01 * config.seed**2, "chance": 0.1}


def toy_experiment(skill: float = 0.9) -> Experiment:
    return Experiment(
        recipe="clap",
        arms=(
            Arm("method", ToyConfig(skill), "the new one"),
            Arm("control", ToyConfig(0.2), "without the signal"),
        ),
        comparisons=(
            Comparison("toy", "accuracy", "method", "control"),
            Comparison("toy", "accuracy", "control", 0.5),
            Comparison("toy", "accuracy", "method", "control", against_figure="chance"),
        ),
        measure=measure,
    )
