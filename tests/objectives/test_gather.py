"""Two processes with half a batch each train exactly as one with all of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.objectives.gather import first_row, gather_rows, n_processes
from earshot.objectives.hard_negatives import HardNegatives
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.laion_extras import FourTermInfoNCE, KappaInfoNCE
from earshot.objectives.modular import ModularContrastive

N_PROCESSES, N_ROWS = 2, 6
KINDS = ("whole", "local", "groups", "positives", "four", "kappa", "hard", "modular")


def _loss(kind: str, audio: Tensor, text: Tensor, scale: Tensor, rows: slice) -> Tensor:
    if kind == "four":
        return FourTermInfoNCE()(audio, text, audio.flip(1), text.flip(1), scale)
    if kind == "kappa":
        return KappaInfoNCE(0.5)(audio, text, scale)
    if kind == "groups":
        groups = torch.tensor([0, 1, 2, 0, 1, 3])[rows]
        return InfoNCE(local_rows=True)(audio, text, scale, groups=groups)
    if kind == "positives":
        weights = torch.rand(N_ROWS, N_ROWS, generator=torch.Generator().manual_seed(5))
        return InfoNCE()(audio, text, scale, positives=weights[rows])
    if kind in ("hard", "modular"):
        owner = torch.tensor([0, 0, 1, 3, 4, 4, 4])  # three of the first half's clips, four more
        extra = F.normalize(torch.randn(7, 4, generator=torch.Generator().manual_seed(6)))
        mine = (owner >= rows.indices(N_ROWS)[0]) & (owner < rows.indices(N_ROWS)[1])
        owned = extra[mine], owner[mine] - rows.indices(N_ROWS)[0]
        if kind == "hard":
            return HardNegatives()(audio, text, *owned, scale)
        return ModularContrastive()(audio, text, *owned, (torch.arange(7) % 2 > 0)[mine], scale)
    return InfoNCE(local_rows=kind == "local")(audio, text, scale)


def _step(kind: str, rows: slice) -> list[Tensor]:
    """The loss on `rows`, and its gradients of two small towers and a scale."""
    torch.manual_seed(0)
    towers = nn.ModuleList([nn.Linear(5, 4), nn.Linear(5, 4)])
    scale = nn.Parameter(torch.tensor(4.0))
    sounds, words = torch.randn(2, N_ROWS, 5)
    audio, text = F.normalize(towers[0](sounds[rows])), F.normalize(towers[1](words[rows]))
    loss = _loss(kind, audio, text, scale, rows)
    loss.backward()
    grads = [p.grad for p in [*towers.parameters(), scale]]
    return [loss.detach(), *grads]


def _process(rank: int, folder: str) -> None:
    store = dist.FileStore(f"{folder}/store", N_PROCESSES)
    dist.init_process_group("gloo", rank=rank, world_size=N_PROCESSES, store=store)
    half = N_ROWS // N_PROCESSES
    results = {}
    for kind in KINDS:
        values = _step(kind, slice(rank * half, (rank + 1) * half))
        for value in values:  # data-parallel training averages gradients over processes
            dist.all_reduce(value)
            value /= N_PROCESSES
        results[kind] = values
    assert (n_processes(), first_row(3)) == (2, 3 * rank)
    if rank == 0:
        torch.save(results, f"{folder}/results.pt")
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Tensor]]:
    folder = tmp_path_factory.mktemp("processes")
    here = str(Path(__file__).parent)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *sys.path])  # children import this file
    try:
        mp.spawn(_process, (str(folder),), nprocs=N_PROCESSES)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return torch.load(folder / "results.pt", weights_only=True)


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_equal_one(kind: str, results: dict[str, list[Tensor]]) -> None:
    alone = _step(kind, slice(None))
    assert alone[1].abs().sum() > 1e-3
    for ours, theirs in zip(results[kind], alone, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6), kind


def test_one_process_gathers_its_own_rows() -> None:
    rows = torch.randn(3, 2)
    assert gather_rows(rows) is rows
    assert (n_processes(), first_row(3)) == (1, 0)
