"""What leaves the workshop: the estimate as a results file, the checkpoint, its model card."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from build import CONFIG
from card import model_card
from earshot.core.checkpoint import save_checkpoint
from earshot.core.files import write_text
from earshot.core.machine import commit_of, describe_machine
from earshot.models.two_tower import TwoTower
from earshot.recipes.clap import PAPER

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "src/earshot/weights/earshot-small"
VOCABULARY = FOLDER / "tokenizer.json"
RESULTS = REPOSITORY / "results/earshot_small.json"


class Clock:
    """Minutes that the stages took, kept on disk so that a resumed run counts them all."""

    def __init__(self, path: Path):
        self.path, self.began = path, time.monotonic()

    def note(self, stage: str) -> None:
        """Add what passed since the last note to `stage`."""
        now = time.monotonic()
        minutes = self.minutes()
        minutes[stage] = round(minutes.get(stage, 0.0) + (now - self.began) / 60, 1)
        write_text(self.path, json.dumps(minutes) + "\n")
        self.began = now

    def minutes(self) -> dict[str, float]:
        """By stage."""
        return json.loads(self.path.read_text("utf-8")) if self.path.is_file() else {}


def write_estimate(fold: int, figures: dict[str, Any], minutes: dict[str, float]) -> None:
    """Put the figures of a fold beside those of others, and print them."""
    told = (
        json.loads(RESULTS.read_text("utf-8"))
        if RESULTS.is_file()
        else {"kind": "model", "folds": {}}
    )
    told["folds"][str(fold)] = figures
    told |= {
        "what": "named and found by free text: one fold of ESC-10 and a quarter of the instruments "
        "that training never heard, and procedural scenes of another seed",
        "minutes": minutes, "machine": describe_machine(), "commit": commit_of(REPOSITORY),
    }  # fmt: skip
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")
    print(json.dumps(figures, indent=2), flush=True)


def halved(model: nn.Module) -> nn.Module:
    """The model with every weight rounded to half precision: what ships is what is judged."""
    with torch.no_grad():
        for value in [*model.parameters(), *model.buffers()]:
            if value.is_floating_point():
                value.copy_(value.half())
    return model


def ship(model: TwoTower, estimate: dict[str, Any], minutes: dict[str, float]) -> None:
    """Write the checkpoint of the clap recipe, in half precision, and its card."""
    facts = {
        "minutes": minutes, "machine": describe_machine(), "estimate": estimate,
        "stored": "float16, read as float32",
    }  # fmt: skip
    save_checkpoint(FOLDER, PAPER.key, CONFIG, halved(model).half(), facts)
    model.float()
    write_text(FOLDER / "README.md", model_card(estimate, minutes))
