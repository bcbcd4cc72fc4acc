from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from earshot.core.checkpoint import read_checkpoint
from earshot.core.errors import EarShotError
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

SHORT = FitConfig(steps=6, learning_rate=0.05, warmup_steps=0, checkpoint_every=2)


@dataclass(frozen=True)
class Config:
    seed: int = 0


class PowerCut(Exception):
    pass


def two_stages(out: Path, *, resume: bool = False, cut_at: int | None = None) -> nn.Module:
    """A line fitted to 1 and then to -1; `cut_at` counts the batches of the second stage."""
    this = RecipeRun("toy", Config(), out, ["a"], resume=resume)
    model = nn.Linear(2, 1)

    def towards(goal: float, cut: int | None):
        def batches(first: int):
            for n in range(first, 100):
                if n == cut:
                    raise PowerCut
                yield torch.full((4, 2), 1.0 + n)

        def loss_of(batch: Tensor) -> Tensor:
            return (model(batch) - goal).square().mean()

        return loss_of, batches

    this.fit(model, *towards(1.0, None), SHORT, stage="first")
    this.fit(model, *towards(-1.0, cut_at), SHORT, stage="second")
    this.finish(model, lambda: ({"bias": float(model.bias.detach())}, ["a note"]))
    return model


def test_stages_have_folders_and_the_run_a_checkpoint(tmp_path: Path) -> None:
    model = two_stages(tmp_path)
    kept = read_checkpoint(tmp_path)
    assert torch.equal(kept.weights()["weight"], model.weight.detach())
    assert {"first_loss", "second_loss", "bias"} == kept.extra["figures"].keys()
    assert (tmp_path / "first" / "log.csv").is_file()
    assert (tmp_path / "report.json").is_file()


def test_a_kill_in_the_second_stage_ends_the_same(tmp_path: Path) -> None:
    whole = two_stages(tmp_path / "whole")
    with pytest.raises(PowerCut):
        two_stages(tmp_path / "cut", cut_at=3)
    first_log = (tmp_path / "cut" / "first" / "log.csv").read_bytes()
    resumed = two_stages(tmp_path / "cut", resume=True)
    assert torch.equal(whole.weight, resumed.weight)
    assert (tmp_path / "cut" / "first" / "log.csv").read_bytes() == first_log  # not trained again


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    two_stages(tmp_path)
    with pytest.raises(EarShotError, match="--resume"):
        two_stages(tmp_path)


def test_two_stages_of_one_name_are_refused(tmp_path: Path) -> None:
    this = RecipeRun("toy", Config(), tmp_path, [])
    model = nn.Linear(1, 1)

    def batches(first: int):
        while True:
            yield torch.ones(1, 1)

    this.fit(model, lambda x: model(x).mean(), batches, SHORT)
    with pytest.raises(EarShotError, match="two stages"):
        this.fit(model, lambda x: model(x).mean(), batches, SHORT)
