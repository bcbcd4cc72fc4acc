from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives import sinkhorn
from earshot.objectives.sinkhorn import (
    SinkhornConfig,
    epsilons,
    pairwise_divergence,
    sequence_divergence,
    sinkhorn_divergence,
    with_positions,
)

SETTINGS = settings(deadline=None, derandomize=True, max_examples=20)


def points(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def even(n: int) -> Tensor:
    return torch.full((1, n), 1 / n, dtype=torch.float64)


def divergence(one: Tensor, two: Tensor, **options: float) -> Tensor:
    """Of two sets of points [n, dim]."""
    return sinkhorn_divergence(one[None], two[None], even(len(one)), even(len(two)), **options)[0]


def slow_transport(one: np.ndarray, two: np.ndarray, epsilon: float) -> float:
    """The dual value of entropic transport, by plain alternating updates until they stand still."""
    m, n = len(one), len(two)
    cost = [[0.5 * float(((x - y) ** 2).sum()) for y in two] for x in one]
    f, g = [0.0] * m, [0.0] * n
    for _ in range(3_000):
        f = [
            -epsilon * math.log(sum(math.exp((g[j] - cost[i][j]) / epsilon) / n for j in range(n)))
            for i in range(m)
        ]
        g = [
            -epsilon * math.log(sum(math.exp((f[i] - cost[i][j]) / epsilon) / m for i in range(m)))
            for j in range(n)
        ]
    return sum(f) / m + sum(g) / n


@pytest.fixture
def _to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epsilon stays at its last value for 200 more steps, until the potentials stand still.

    The published schedule takes one step there and stops a little before the end.
    """

    def longer(extents: Tensor, blur: float, scaling: float) -> tuple[Tensor, Tensor]:
        schedule, n_scales = epsilons(extents, blur, scaling)
        return torch.cat([schedule, schedule[:, -1:].expand(-1, 200)], 1), n_scales + 200

    monkeypatch.setattr(sinkhorn, "epsilons", longer)


@pytest.mark.usefixtures("_to_the_end")
def test_it_is_the_debiased_transport_of_a_slow_double_loop() -> None:
    one, two = points(4, 2), points(3, 2, seed=1)
    ours = divergence(one, two, blur=0.7)
    x, y = one.numpy(), two.numpy()
    epsilon = 0.7**2
    slow = slow_transport(x, y, epsilon)
    slow -= (slow_transport(x, x, epsilon) + slow_transport(y, y, epsilon)) / 2
    assert ours.item() == pytest.approx(slow, rel=1e-9)


def test_a_schedule_that_falls_slowly_ends_near_the_end() -> None:
    one, two = points(4, 2), points(3, 2, seed=1)
    slow = slow_transport(one.numpy(), two.numpy(), 0.49)
    slow -= slow_transport(one.numpy(), one.numpy(), 0.49) / 2
    slow -= slow_transport(two.numpy(), two.numpy(), 0.49) / 2
    for scaling, apart in ((0.5, 2e-3), (0.9, 1e-3), (0.99, 1e-4), (0.995, 2e-5)):
        ours = divergence(one, two, blur=0.7, scaling=scaling)
        assert ours.item() == pytest.approx(slow, rel=apart)


@SETTINGS
@given(n=st.integers(2, 7), dim=st.integers(1, 4), seed=st.integers(0, 99))
def test_without_blur_it_is_the_best_assignment(n: int, dim: int, seed: int) -> None:
    one, two = points(n, dim, seed=seed), points(n, dim, seed=seed + 100)
    cost = 0.5 * torch.cdist(one, two).square().numpy()
    best = cost[linear_sum_assignment(cost)].mean()
    assert divergence(one, two, blur=0.01, scaling=0.99).item() == pytest.approx(best, rel=0.02)


@SETTINGS
@given(n=st.integers(1, 6), m=st.integers(1, 6), seed=st.integers(0, 99))
def test_a_sequence_is_no_distance_from_itself_and_some_from_others(n, m, seed) -> None:
    one, two = points(n, 3, seed=seed), points(m, 3, seed=seed + 100)
    assert divergence(one, one).item() == pytest.approx(0.0, abs=1e-12)
    there, back = divergence(one, two), divergence(two, one)
    assert there.item() == pytest.approx(back.item(), rel=1e-9)
    assert there.item() > 0


def test_a_shift_costs_half_its_square() -> None:
    one = points(5, 3)
    shift = torch.tensor([0.3, -0.4, 1.2], dtype=torch.float64)
    assert divergence(one, one + shift).item() == pytest.approx(0.5 * 1.69, rel=1e-6)


@pytest.mark.usefixtures("_to_the_end")
def test_the_gradient_is_that_of_finite_differences() -> None:
    one, two = points(4, 2).requires_grad_(), points(3, 2, seed=1).requires_grad_()
    options = {"blur": 0.8}
    gradients = torch.autograd.grad(divergence(one, two, **options), (one, two))
    step = 1e-5
    for turn, (values, gradient) in enumerate(zip((one, two), gradients, strict=True)):
        for i, k in itertools.product(range(len(values)), range(2)):
            moved = torch.zeros_like(values)
            moved[i, k] = step
            both = [one.detach(), two.detach()]
            both[turn] = both[turn] + moved
            up = divergence(*both, **options)
            both[turn] = both[turn] - 2 * moved
            slope = (up - divergence(*both, **options)) / (2 * step)
            assert gradient[i, k].item() == pytest.approx(slope.item(), rel=1e-6, abs=1e-9)


def test_padding_and_batch_mates_change_nothing() -> None:
    one, two = points(3, 6, 4).float(), points(3, 9, 4, seed=1).float()
    two[1] *= 40  # a pair of a much longer schedule
    n_one, n_two = torch.tensor([6, 2, 1]), torch.tensor([3, 9, 1])
    one[1, 2:], two[0, 3:] = 1e9, float("nan")
    one.requires_grad_()
    together = sequence_divergence(one, n_one, two, n_two)
    together.sum().backward()
    for i in range(3):
        alone = one[i : i + 1, : n_one[i]].detach().clone().requires_grad_()
        value = sequence_divergence(
            alone, n_one[i : i + 1], two[i : i + 1, : n_two[i]], n_two[i : i + 1]
        )
        assert together[i].item() == pytest.approx(value.item(), rel=1e-5)
        value.sum().backward()
        torch.testing.assert_close(one.grad[i, : n_one[i]], alone.grad[0], atol=1e-5, rtol=1e-4)
        assert not one.grad[i, n_one[i] :].any()


def test_positions_make_order_count() -> None:
    states, n = points(1, 5, 3).float(), torch.tensor([5])
    turned = states.flip(1)
    blind, seeing = SinkhornConfig(position=0.0), SinkhornConfig(position=1.0)
    assert sequence_divergence(states, n, turned, n, blind).item() == pytest.approx(0, abs=1e-5)
    assert sequence_divergence(states, n, turned, n, seeing).item() > 0.05
    placed = with_positions(states, torch.tensor([3]), SinkhornConfig(position=2.0))
    assert placed[0, :3, 3].tolist() == [0.0, 1.0, 2.0]
    lone = with_positions(states[:, :1], torch.tensor([1]), seeing)
    assert lone[0, 0, 3] == 0


def test_every_pair_of_two_batches_is_that_pair_alone() -> None:
    one, two = points(3, 4, 2).float(), points(2, 5, 2, seed=1).float()
    n_one, n_two = torch.tensor([4, 2, 3]), torch.tensor([5, 1])
    table = pairwise_divergence(one, n_one, two, n_two, at_once=4)
    assert table.shape == (3, 2)
    for i, j in itertools.product(range(3), range(2)):
        alone = sequence_divergence(one[[i]], n_one[[i]], two[[j]], n_two[[j]])
        assert table[i, j].item() == pytest.approx(alone.item(), rel=1e-5)


def test_the_schedule_falls_from_the_extent_to_blur() -> None:
    schedule, n_scales = epsilons(torch.tensor([1.0, 0.001, 0.3]), 0.1, 0.5)
    assert n_scales.tolist() == [6, 2, 4]
    lengths = schedule.sqrt().tolist()
    assert lengths[0] == pytest.approx([1.0, 1.0, 0.5, 0.25, 0.125, 0.1])
    assert lengths[1] == pytest.approx([0.1] * 6)
    assert lengths[2][:4] == pytest.approx([0.3, 0.3, 0.15, 0.1])


def test_half_precision_is_computed_in_float32() -> None:
    states, n = points(2, 5, 3).bfloat16(), torch.tensor([5, 4])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = sequence_divergence(states, n, states.flip(0), n.flip(0))
    assert value.dtype == torch.float32
    assert torch.equal(
        value, sequence_divergence(states.float(), n, states.flip(0).float(), n.flip(0))
    )


def geomloss_points() -> tuple[Tensor, Tensor]:
    """Points from sines: the same wherever they are made."""
    grid = torch.arange(60, dtype=torch.float64)
    return (grid * 0.37).sin().view(2, 6, 5) * 2, (grid[:40] * 0.73 + 1).cos().view(2, 4, 5) * 2


def test_geomloss_s_values_are_met() -> None:
    """SamplesLoss("sinkhorn", p=2, blur=0.05, scaling=0.5, backend="tensorized") of geomloss 0.3.1,

    in float64 with even weights, on `geomloss_points`; and the gradient of its first point.
    """
    wanted = (
        (2.1966043655448986, [0.02078284, -0.08583208, -0.10358432, 0.01558529, 0.23856694]),
        (3.389331201180852, [-0.00012499, -0.02562062, -0.14904726, -0.27937821, -0.31085240]),
    )
    for x, y, (value, slope) in zip(*geomloss_points(), wanted, strict=True):
        x.requires_grad_()
        ours = divergence(x, y)
        assert ours.item() == pytest.approx(value, rel=1e-9)
        assert torch.autograd.grad(ours, x)[0][0].tolist() == pytest.approx(slope, abs=1e-8)


def test_geomloss_gives_the_same_where_it_is_installed() -> None:
    geomloss = pytest.importorskip("geomloss", reason="needs pip install geomloss")
    one, two = geomloss_points()
    theirs = geomloss.SamplesLoss("sinkhorn", p=2, blur=0.05, scaling=0.5, backend="tensorized")
    a = torch.full((6,), 1 / 6, dtype=torch.float64), torch.full((4,), 0.25, dtype=torch.float64)
    for x, y in zip(one, two, strict=True):
        x.requires_grad_()
        value = theirs(a[0], x, a[1], y)
        (gradient,) = torch.autograd.grad(value, x)
        ours = divergence(x, y)
        assert ours.item() == pytest.approx(value.item(), rel=1e-3)
        torch.testing.assert_close(torch.autograd.grad(ours, x)[0], gradient, atol=1e-5, rtol=1e-3)


def test_what_cannot_be_compared_is_refused() -> None:
    states, n = points(2, 5, 3).float(), torch.tensor([5, 4])
    with pytest.raises(EarShotError, match="other of shape"):
        sequence_divergence(states, n, points(2, 5, 4), n)
    with pytest.raises(EarShotError, match="blur above 0"):
        SinkhornConfig(blur=0.0)
    with pytest.raises(EarShotError, match="a schedule of"):
        sequence_divergence(states, n, states.flip(0), n, SinkhornConfig(scaling=0.9999))
