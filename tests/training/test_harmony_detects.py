"""Where all that two streams share is one latent, conflict tells a wrong third stream."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.objectives.mil_nce import JointNCE
from earshot.training.harmonizer import GradHarmonizer, HarmonyConfig, Sides
from earshot.training.harmony_log import harmony_figures, read_harmony

N, BATCH, STEPS = 2_000, 64, 250
SCALE = torch.tensor(1 / 0.07)


def pair_loss(anchor: Tensor, other: Tensor) -> Tensor:
    return JointNCE()(F.normalize(anchor), other, SCALE)


def conflict_area(out: Path, seed: int, *, marks_are_right: bool) -> float:
    """Train three towers on triplets of which half have a wrong third part; how well it shows."""
    torch.manual_seed(seed)
    latent = torch.randn(N, 16)
    wrong = torch.rand(N) < 0.5
    other = torch.where(wrong[:, None], torch.randn(N, 16), latent)
    streams = [
        torch.tanh(each @ torch.randn(16, 32) / 3) + 0.3 * torch.randn(N, 32)
        for each in (latent, latent, other)
    ]
    towers = nn.ModuleList(
        nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)) for _ in streams
    )
    adam = torch.optim.Adam(towers.parameters(), lr=1e-3)
    harmonizer = GradHarmonizer(HarmonyConfig(mode="sum"), n_batches=STEPS, model=towers, out=out)
    marks = wrong if marks_are_right else wrong[torch.randperm(N)]
    order = (torch.randperm(N)[:BATCH] for _ in range(STEPS))
    for rows in harmonizer.follow(lambda first: order)(0):
        anchor, view, text = (
            tower(stream[rows]) for tower, stream in zip(towers, streams, strict=True)
        )
        sides = Sides(anchor, (F.normalize(view), F.normalize(text)))
        loss = harmonizer((pair_loss, pair_loss), [sides], flagged=marks[rows])
        assert loss is not None
        adam.zero_grad()
        loss.backward()
        adam.step()
    return harmony_figures(read_harmony(out))["conflict_auc"]


@pytest.mark.claim("gradient_harmonization/detect")
@pytest.mark.parametrize("seed", [100, 101])
def test_conflict_tells_a_wrong_stream_and_a_random_mark_does_not(
    seed: int, tmp_path: Path
) -> None:
    (tmp_path / "told").mkdir()
    (tmp_path / "control").mkdir()
    told = conflict_area(tmp_path / "told", seed, marks_are_right=True)
    control = conflict_area(tmp_path / "control", seed, marks_are_right=False)
    assert told > 0.62
    assert abs(control - 0.5) < 0.03
