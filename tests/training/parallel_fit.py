"""A contrastive toy trained by as many processes as torchrun starts: `parallel_fit.py FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earshot.core.seed import generator
from earshot.objectives.infonce import InfoNCE
from earshot.training.fit import FitConfig, fit
from earshot.training.processes import this_process


@dataclass
class Pairs:
    sound: Tensor
    words: list[list[float]]


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sound = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
        self.words = nn.Linear(3, 4)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))
        self.idle = nn.Linear(2, 2)  # a part that no step uses must not stop the others


def batches(first: int) -> Iterator[Pairs]:
    number, (rank, world) = first, this_process()
    while True:
        noise = generator(1, number, "pairs")
        sound = torch.from_numpy(noise.standard_normal((8, 6))).float().chunk(world)[rank]
        yield Pairs(sound, sound[:, :3].tolist())
        number += 1


def main(out: Path) -> None:
    torch.manual_seed(3)
    model, objective = Towers(), InfoNCE()

    def loss_of(batch: Pairs) -> Tensor:
        sound = F.normalize(model.sound(batch.sound), dim=1)
        words = F.normalize(model.words(torch.tensor(batch.words)), dim=1)
        return objective(sound, words, model.logit_scale.exp())

    config = FitConfig(
        steps=12, warmup_steps=3, learning_rate=0.02, clip_norm=0.5, checkpoint_every=6, log_every=1
    )
    fit(model, loss_of, batches, config, out)
    if this_process().is_main:
        torch.save(model.state_dict(), out / "final.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
