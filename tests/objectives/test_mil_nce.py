from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.mil_nce import JointNCE, MilNCE


def rows(seed: int, *shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(1, 6), scale=st.floats(1.0, 30.0))
def test_the_joint_form_equals_a_double_loop(seed: int, n: int, scale: float) -> None:
    anchor, other = rows(seed, n, 4), rows(seed + 1, n, 4)
    total = 0.0
    for i in range(n):
        below = 0.0
        for j in range(n):
            below += math.exp(scale * float(anchor[i].double() @ other[j].double()))
            below += math.exp(scale * float(anchor[j].double() @ other[i].double()))
        total += math.log(below) - scale * float(anchor[i].double() @ other[i].double())
    found = JointNCE()(anchor, other, torch.tensor(scale))
    assert found.item() == pytest.approx(total / n, abs=1e-5)


def test_the_joint_form_never_falls_below_the_logarithm_of_two() -> None:
    pairs = torch.eye(8)
    loss = JointNCE()(pairs, pairs, torch.tensor(100.0))
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(2, 5), n_candidates=st.integers(1, 3))
def test_several_candidates_equal_a_double_loop(seed: int, n: int, n_candidates: int) -> None:
    anchor, texts = rows(seed, n, 4), rows(seed + 1, n, n_candidates, 4)
    draw = torch.Generator().manual_seed(seed)
    valid = torch.rand(n, n_candidates, generator=draw) > 0.4
    valid[0, 0] = True
    valid[1] = False  # a clip without any sentence
    scale, losses = 9.0, []

    def weight(i: int, j: int, p: int) -> float:
        return math.exp(scale * float(anchor[i].double() @ texts[j, p].double()))

    for i in range(n):
        own = [p for p in range(n_candidates) if valid[i, p]]
        if not own:
            continue
        above = sum(weight(i, i, p) for p in own)
        below = 0.0
        for j in range(n):
            below += sum(weight(i, j, p) for p in range(n_candidates) if valid[j, p])
            below += sum(weight(j, i, p) for p in own)
        losses.append(math.log(below) - math.log(above))
    summed_and_rescaled = sum(losses) / n * (n / len(losses))  # mean over all, times B / #valid
    found = MilNCE()(anchor, texts, torch.tensor(scale), valid=valid)
    assert found.item() == pytest.approx(summed_and_rescaled, abs=1e-5)


def test_one_candidate_is_the_joint_form() -> None:
    anchor, other, scale = rows(0, 6, 5), rows(1, 6, 5), torch.tensor(14.0)
    many, one = MilNCE()(anchor, other[:, None], scale), JointNCE()(anchor, other, scale)
    torch.testing.assert_close(many, one)


def test_a_candidate_that_is_not_there_changes_nothing() -> None:
    anchor = rows(0, 4, 5).requires_grad_()
    texts, scale = rows(1, 4, 2, 5), torch.tensor(9.0)
    valid = torch.tensor([[True, True], [True, False], [False, False], [True, True]])
    other = texts.clone()
    other[~valid] = rows(2, 3, 5)
    results = []
    for each in (texts, other):
        loss = MilNCE()(anchor, each, scale, valid=valid)
        results.append((loss, *torch.autograd.grad(loss, anchor)))
    for one, two in zip(*results, strict=True):
        assert torch.isfinite(one).all()
        assert torch.equal(one, two)


def test_faults_say_what_to_mend() -> None:
    anchor, texts, scale = rows(0, 3, 4), rows(1, 3, 2, 4), torch.tensor(9.0)
    with pytest.raises(EarShotError, match="same number of candidates"):
        MilNCE()(anchor, texts[:2], scale)
    with pytest.raises(EarShotError, match="one flag a candidate"):
        MilNCE()(anchor, texts, scale, valid=torch.ones(3, 1, dtype=torch.bool))
    with pytest.raises(EarShotError, match="captions into every batch"):
        MilNCE()(anchor, texts, scale, valid=torch.zeros(3, 2, dtype=torch.bool))
    with pytest.raises(EarShotError, match="NaN"):
        JointNCE()(anchor * torch.nan, anchor, scale)
