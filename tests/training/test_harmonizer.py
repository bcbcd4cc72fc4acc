from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.objectives.mil_nce import JointNCE
from earshot.training.fit import FitConfig, fit
from earshot.training.harmonizer import GradHarmonizer, HarmonyConfig, Sides
from earshot.training.harmony_log import read_harmony
from training.toy_harmony import LOSSES, SCALE, Rows, Towers, pair_loss, text_loss, toy_rows

MODES = ("sum", "gr", "gc", "gr+gc")
UNITS = ("sample", "micro_batch")
KEEP_ALL = {"gamma_start": -1.0, "gamma_end": -1.0, "warmup": 1.0}


def gradients(loss: Tensor | None, model: nn.Module) -> list[Tensor]:
    assert loss is not None
    weights = list(model.parameters())
    found = torch.autograd.grad(loss, weights, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(p) if g is None else g
            for p, g in zip(model.parameters(), found, strict=True)]  # fmt: skip


def harmonised(model: Towers, rows: Rows, losses=LOSSES, **options) -> Tensor | None:
    keep = options.pop("keep", None)
    config = HarmonyConfig(**{"micro_batch": 4, "warmup": 0.0, **options})
    this = GradHarmonizer(config, n_batches=10, model=model)
    return this(losses, [model.sides(part) for part in this.parts(rows)], keep=keep)


def plain_sum(model: Towers, rows: Rows, losses=LOSSES) -> Tensor:
    sides = model.sides(rows)
    return sum(loss(sides.anchor, other) for loss, other in zip(losses, sides.others, strict=True))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("mode", MODES)
def test_without_conflict_it_is_the_plain_sum(mode: str, unit: str) -> None:
    """Both losses see the same other side, so their gradients agree for every unit."""
    model, rows = Towers(), toy_rows()

    def twice(part: Rows) -> Sides:
        sides = model.sides(part)
        return Sides(sides.anchor, (sides.others[0], sides.others[0]))

    config = HarmonyConfig(mode=mode, unit=unit, micro_batch=4, warmup=0.0)
    this = GradHarmonizer(config, n_batches=10, model=model)
    loss = this(LOSSES, [twice(part) for part in this.parts(rows)])
    both = twice(rows)
    plain = pair_loss(both.anchor, both.others[0]) + text_loss(both.anchor, both.others[1])
    torch.testing.assert_close(loss.detach(), plain.detach())
    for ours, theirs in zip(gradients(loss, model), gradients(plain, model), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_the_sum_is_the_plain_sum_whatever_the_conflict(unit: str) -> None:
    model, rows = Towers(), toy_rows()
    loss = harmonised(model, rows, mode="sum", unit=unit)
    plain = plain_sum(model, rows)
    torch.testing.assert_close(loss.detach(), plain.detach())
    for ours, theirs in zip(gradients(loss, model), gradients(plain, model), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def projected(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """What realigning makes of the sum of two gradients."""
    inner = one @ two
    if inner >= 0:
        return one + two
    return one - inner / (two @ two) * two + two - inner / (one @ one) * one


@pytest.mark.parametrize("mode", MODES)
def test_samples_equal_a_loop(mode: str) -> None:
    """Each sample's gradients at its own embeddings, changed by hand, then through the towers."""
    model, rows = Towers(), toy_rows()
    sides = model.sides(rows)
    leaves = [sides.anchor, *sides.others]
    wanted = [torch.autograd.grad(loss(sides.anchor, other), (sides.anchor, other),
                                  retain_graph=True)
              for loss, other in zip(LOSSES, sides.others, strict=True)]  # fmt: skip
    at_anchor = [each[0].numpy().astype(np.float64) for each in wanted]
    kept = [mode in ("sum", "gr") or cosine(*pair) > -0.3 for pair in zip(*at_anchor, strict=True)]
    assert mode in ("sum", "gr") or 0 < sum(kept) < len(rows)
    weight = np.array(kept) * len(rows) / sum(kept)
    anchor = np.stack([projected(a, b) if "gr" in mode else a + b
                       for a, b in zip(*at_anchor, strict=True)])  # fmt: skip
    given = [torch.from_numpy(anchor * weight[:, None]).float()]
    given += [each[1] * torch.from_numpy(weight).float()[:, None] for each in wanted]
    expected = torch.autograd.grad(leaves, list(model.parameters()), given, retain_graph=True)
    found = gradients(harmonised(model, rows, mode=mode), model)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_micro_batches_equal_a_loop(mode: str) -> None:
    """A unit's gradient is that of the whole loss with the embeddings of all others held still."""
    model, rows, size = Towers(), toy_rows(seed=3), 3
    n_anchor = len(list(model.anchor.parameters()))
    total, units, kept = None, [], []
    for first in range(0, len(rows), size):
        mine = torch.zeros(len(rows), 1, dtype=torch.bool)
        mine[first : first + size] = True
        sides = model.sides(rows)
        anchor, *others = [torch.where(mine, each, each.detach())
                           for each in (sides.anchor, *sides.others)]  # fmt: skip
        pair = [gradients(loss(anchor, other), model)
                for loss, other in zip(LOSSES, others, strict=True)]  # fmt: skip
        flat = [torch.cat([g.flatten() for g in each[:n_anchor]]).numpy().astype(np.float64)
                for each in pair]  # fmt: skip
        kept.append(mode in ("sum", "gr") or cosine(*flat) > -0.3)
        summed = torch.from_numpy(projected(*flat) if "gr" in mode else flat[0] + flat[1]).float()
        rest = [a + b for a, b in zip(pair[0][n_anchor:], pair[1][n_anchor:], strict=True)]
        units.append([summed, *rest])
    assert mode in ("sum", "gr") or 0 < sum(kept) < len(kept)
    for unit, wanted in zip(units, kept, strict=True):
        if wanted:
            scaled = [each * len(units) / sum(kept) for each in unit]
            total = scaled if total is None else [a + b for a, b in zip(total, scaled, strict=True)]
    loss = harmonised(model, rows, mode=mode, unit="micro_batch", micro_batch=size)
    found = gradients(loss, model)
    flat = torch.cat([g.flatten() for g in found[:n_anchor]])
    for ours, theirs in zip([flat, *found[n_anchor:]], total, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("unit", UNITS)
def test_what_may_not_be_kept_teaches_nothing(unit: str) -> None:
    model, rows = Towers(), toy_rows(8)
    keep = torch.tensor([True] * 4 + [False] * 4)
    loss = harmonised(model, rows, mode="sum", unit=unit, keep=keep)
    sides = model.sides(rows)
    anchor, *others = [torch.where(keep[:, None], each, each.detach())
                       for each in (sides.anchor, *sides.others)]  # fmt: skip
    half = 2 * sum(loss(anchor, other) for loss, other in zip(LOSSES, others, strict=True))
    for ours, theirs in zip(gradients(loss, model), gradients(half, model), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_loss_holds_gets_the_plain_gradient(unit: str) -> None:
    model, rows, head = Towers(), toy_rows(), nn.Linear(4, 4)

    def with_head(anchor: Tensor, other: Tensor) -> Tensor:
        return pair_loss(head(anchor), other)

    losses = (with_head, text_loss)
    loss = harmonised(model, rows, losses, mode="gr+gc", unit=unit)
    found = torch.autograd.grad(loss, head.weight)[0]
    torch.testing.assert_close(found, torch.autograd.grad(plain_sum(model, rows, losses),
                                                          head.weight)[0])  # fmt: skip


def test_parameters_may_be_named() -> None:
    """With the bias alone compared, the anchor's weights get the plain sum."""
    model, rows = Towers(), toy_rows()
    config = HarmonyConfig(mode="gr", unit="micro_batch", micro_batch=4)
    this = GradHarmonizer(config, n_batches=1, model=model, shared=[model.anchor.bias])
    loss = this(LOSSES, [model.sides(part) for part in this.parts(rows)])
    plain = gradients(plain_sum(model, rows), model)
    found = gradients(loss, model)
    torch.testing.assert_close(found[0], plain[0], atol=1e-6, rtol=1e-5)
    assert not torch.allclose(found[1], plain[1], atol=1e-4)


def test_gamma_rises_in_a_line_after_the_warm_up() -> None:
    config = HarmonyConfig(mode="gc", gamma_start=-0.3, gamma_end=0.0, warmup=0.2)
    gammas = [config.gamma(batch, 11) for batch in range(11)]
    assert gammas[:2] == [-1.0, -1.0]
    np.testing.assert_allclose(gammas[2:], np.linspace(-0.3, 0.0, 9))
    assert HarmonyConfig(mode="gr").gamma(10, 11) == -1.0


def endless(first: int):
    number = first
    while True:
        yield toy_rows(8, seed=number)
        number += 1


def test_a_batch_of_which_nothing_is_kept_moves_nothing(tmp_path: Path) -> None:
    """Every second batch may not be kept: the run ends as one without them, decay and all."""
    settings = FitConfig(steps=6, learning_rate=0.05, warmup_steps=0, weight_decay=0.5,
                         schedule="constant", checkpoint_every=100)  # fmt: skip
    model = Towers()
    this = GradHarmonizer(HarmonyConfig(mode="sum"), n_batches=6, model=model)
    states = []

    def every_second(rows: Rows) -> Tensor | None:
        states.append([p.detach().clone() for p in model.parameters()])
        keep = torch.full((8,), this.batch % 2 == 0)
        return this(LOSSES, [model.sides(rows)], keep=keep)

    fit(model, every_second, this.follow(endless), settings, tmp_path / "some")
    for before, after in ((1, 2), (3, 4)):
        assert all(torch.equal(a, b) for a, b in zip(states[before], states[after], strict=True))
    assert not torch.equal(states[0][0], states[1][0])
    last = states[5]
    assert all(torch.equal(a, b) for a, b in zip(last, model.parameters(), strict=True))


def test_a_log_goes_on_where_the_run_does(tmp_path: Path) -> None:
    model = Towers()

    def run(steps: int, resume: bool) -> None:
        config = HarmonyConfig(mode="gc", warmup=0.25)
        this = GradHarmonizer(config, n_batches=8, model=model, out=tmp_path)

        def loss_of(rows: Rows) -> Tensor | None:
            return this(LOSSES, [model.sides(rows)], flagged=torch.arange(8) < 3)

        source = this.follow(endless)(0 if not resume else 4)
        for _ in range(steps):
            loss_of(next(source))
        source.close()

    run(6, resume=False)
    with (tmp_path / "harmony.jsonl").open("a") as file:
        file.write('{"batch": 6, "gam')  # a kill while it was written
    run(4, resume=True)
    rows = read_harmony(tmp_path)
    assert [row.batch for row in rows] == list(range(8))
    for row in rows:
        assert (row.n, row.n_flagged) == (8, 3)
        assert (sum(row.conflict), sum(row.flagged)) == (5, 3)
        assert row.n_flagged_kept <= row.n_kept <= row.n
    assert [row.gamma for row in rows[:2]] == [-1.0, -1.0]
    assert all(row.n_kept == 8 for row in rows[:2])
    assert rows[-1].gamma == pytest.approx(0.0)
    assert rows[-1].n_kept < 8


def test_faults_say_what_to_mend() -> None:
    model, rows = Towers(), toy_rows()
    with pytest.raises(EarShotError, match="two losses or more"):
        harmonised(model, rows, LOSSES[:1])
    with pytest.raises(EarShotError, match="Pass model="):
        GradHarmonizer(HarmonyConfig(unit="micro_batch"), n_batches=1)
    with pytest.raises(EarShotError, match="depend on both"):
        harmonised(model, rows, (pair_loss, lambda anchor, other: anchor.sum()))
    with pytest.raises(EarShotError, match="a rise within"):
        HarmonyConfig(gamma_start=0.5)
    with pytest.raises(EarShotError, match="micro_batch=0"):
        HarmonyConfig(micro_batch=0)
    for part in (model.anchor, model.view):
        part.requires_grad_(False)
    with pytest.raises(EarShotError, match="in common"):
        harmonised(model, rows, unit="micro_batch", mode="gr")


class Scaled(nn.Module):
    """Towers with a learnt scale inside the losses."""

    def __init__(self) -> None:
        super().__init__()
        self.towers, self.scale = Towers(), nn.Parameter(SCALE.clone())


def _step(unit: str, rows: Rows) -> list[Tensor]:
    model = Scaled()
    config = HarmonyConfig(mode="gr+gc", unit=unit, micro_batch=3, warmup=0.0)
    this = GradHarmonizer(config, n_batches=10, model=model)

    def scaled(anchor: Tensor, other: Tensor) -> Tensor:
        return JointNCE()(F.normalize(anchor), other, model.scale)

    loss = this((scaled, scaled), [model.towers.sides(part) for part in this.parts(rows)])
    return [loss.detach(), *gradients(loss, model)]


def _process(rank: int, folder: str) -> None:
    store = dist.FileStore(f"{folder}/store", 2)
    dist.init_process_group("gloo", rank=rank, world_size=2, store=store)
    results = {}
    for unit in UNITS:
        values = _step(unit, toy_rows().rows(slice(rank * 6, rank * 6 + 6)))
        for value in values:  # data-parallel training averages gradients over processes
            dist.all_reduce(value)
            value /= 2
        results[unit] = values
    if rank == 0:
        torch.save(results, f"{folder}/results.pt")
    dist.barrier()
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path: Path) -> None:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    try:
        mp.spawn(_process, (str(tmp_path),), nprocs=2)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    results = torch.load(tmp_path / "results.pt", weights_only=True)
    for unit in UNITS:
        for ours, alone in zip(results[unit], _step(unit, toy_rows()), strict=True):
            torch.testing.assert_close(ours, alone, atol=1e-6, rtol=1e-5)
