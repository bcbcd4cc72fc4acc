"""A small regression with dropout and batch norm, as the tests of fit train it.

Run as a program it trains in a folder and dies: `python toy_fit.py FOLDER STEP`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from earshot.core.seed import generator
from earshot.training.fit import FitConfig, FitResult, fit


def toy_model(*, noise: float = 0.3) -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(noise), nn.Linear(16, 1)
    )


def toy_batches(n_rows: int = 8):
    """Batches that depend on their number alone."""

    def batches(first: int) -> Iterator[tuple[Tensor, Tensor]]:
        number = first
        while True:
            x = torch.from_numpy(generator(0, number, "toy").standard_normal((n_rows, 4))).float()
            yield x, x.sum(1, keepdim=True)
            number += 1

    return batches


def toy_fit(model: nn.Module, out: Path, config: FitConfig, **options) -> FitResult:
    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        return (model(batch[0]) - batch[1]).square().mean()

    return fit(model, loss_of, options.pop("batches", toy_batches()), config, out, **options)


KILLED = FitConfig(
    steps=24, warmup_steps=4, checkpoint_every=5, log_every=2, ema_decay=0.9, clip_norm=1.0
)


def run(out: Path, *, kill_at: int = 0, resume: bool = False) -> None:
    """Train to the end, or to the update of that number; the weights lie in `out`."""
    model, updates = toy_model(), 0

    def after_step() -> None:
        nonlocal updates
        updates += 1
        if updates == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    toy_fit(model, out, KILLED, resume=resume, after_step=after_step)
    torch.save(model.state_dict(), out / "final.pt")


if __name__ == "__main__":
    run(Path(sys.argv[1]), kill_at=int(sys.argv[2]))
