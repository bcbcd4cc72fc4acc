"""The two-tower models inside the package, as parts of others."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import torch

from earshot.core.checkpoint import is_checkpoint, read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.models.start import Ears, Start, ears_of
from earshot.models.towers import TwoTowerConfig, build_two_tower


def shipped_start(name: str = "earshot-small") -> Start:
    """The shipped model of that name with its weights, in eval mode; no random number is drawn."""
    folder = Path(str(resources.files("earshot"))) / "weights" / name
    if not is_checkpoint(folder):
        raise EarShotError(
            got=f"{name}, whose weights are not in this installation",
            expected=f"them in {folder}",
            mend="Install EarShot again, or pass another CLAP as --model.",
        )
    checkpoint = read_checkpoint(folder)
    config = from_dict(TwoTowerConfig, checkpoint.config["model"], "model")
    with torch.random.fork_rng(devices=[]):
        model = build_two_tower(config)
    model.load_state_dict(checkpoint.weights())
    return Start(name, model.eval(), config)


def shipped_ears(name: str) -> Ears:
    """The side of a shipped model that hears; refused for no name at all."""
    if not name:
        raise EarShotError(
            got="an encoder at random",
            expected="one that was trained",
            mend="Pass --audio-model, such as a BEATs file or a run of panns.",
        )
    start = shipped_start(name)
    assert start.config is not None
    return ears_of(start.name, start.model, start.config)
