from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.nspt import VARIANTS, Nspt

SCALE = torch.tensor(4.0)


def batch_of(
    seed: int, n_new: int, n_old: int, n_classes: int = 3, dim: int = 5
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """student, teacher, target, rehearsal; new classes are others than the rehearsed ones."""
    draw = torch.Generator().manual_seed(seed)
    rows = n_new + n_old
    student = F.normalize(torch.randn(rows, dim, generator=draw, dtype=torch.float64), dim=1)
    teacher = F.normalize(torch.randn(rows, dim, generator=draw, dtype=torch.float64), dim=1)
    target = torch.randint(n_classes, (rows,), generator=draw)
    rehearsal = torch.arange(rows) >= n_new
    target[~rehearsal] += n_classes
    order = torch.randperm(rows, generator=draw)
    return student[order], teacher[order], target[order], rehearsal[order]


def slow_loop(
    student: Tensor, teacher: Tensor, target: Tensor, rehearsal: Tensor, scale: float, variant: str
) -> float:
    """The equation, pair by pair, with its own exponentials."""
    pulling = student if variant == "nsps" else teacher
    pushing = teacher if variant == "ntpt" else student
    everyone = range(len(target))
    total = 0.0
    for i in everyone:
        if not rehearsal[i]:
            continue
        positives = [p for p in everyone if rehearsal[p] and target[p] == target[i]]
        negatives = [k for k in everyone if k not in positives and k != i]
        rivals = sum(math.exp(scale * float(student[i] @ pushing[k])) for k in negatives)
        terms = []
        for p in positives:
            pull = math.exp(scale * float(student[i] @ pulling[p]))
            terms.append(-math.log(pull / (pull + rivals)))
        total += sum(terms) / len(positives)
    return total


@pytest.mark.parametrize("variant", VARIANTS)
@given(seed=st.integers(0, 10_000), n_new=st.integers(0, 6), n_old=st.integers(1, 6))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_it_is_the_equation(variant: str, seed: int, n_new: int, n_old: int) -> None:
    given_rows = batch_of(seed, n_new, n_old)
    slow = slow_loop(*given_rows, float(SCALE), variant)
    fast = Nspt(variant)(*given_rows, SCALE)
    assert fast.item() == pytest.approx(slow, rel=1e-6, abs=1e-6)
    mean = Nspt(variant, reduction="mean")(*given_rows, SCALE)
    assert mean.item() == pytest.approx(slow / n_old, rel=1e-6, abs=1e-6)


def test_a_teacher_that_is_the_student_makes_it_supervised_contrast() -> None:
    """The well-known form of arXiv:2004.11362 over the same masks: mean of log-softmax."""
    student, _, target, rehearsal = batch_of(3, 5, 6)
    logits = SCALE * student @ student.T
    losses = []
    for i in torch.nonzero(rehearsal)[:, 0].tolist():
        positive = rehearsal & (target == target[i])
        negative = ~positive
        each = []
        for p in torch.nonzero(positive)[:, 0].tolist():
            row = torch.cat([logits[i, p][None], logits[i, negative]])
            each.append(-row.log_softmax(0)[0])
        losses.append(torch.stack(each).mean())
    expected = torch.stack(losses).sum().item()
    for variant in VARIANTS:
        loss = Nspt(variant)(student, student, target, rehearsal, SCALE)
        assert loss.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_without_rehearsal_costs_nothing(variant: str) -> None:
    student, teacher, target, _ = batch_of(0, 4, 2)
    student.requires_grad_(True)
    loss = Nspt(variant)(student, teacher, target, torch.zeros(6, dtype=torch.bool), SCALE)
    loss.backward()
    assert loss.item() == 0.0
    assert student.grad is not None
    assert not student.grad.any()


def test_a_class_of_one_clip_is_pulled_to_its_own_teacher() -> None:
    student = F.normalize(torch.tensor([[1.0, 0.2], [0.0, 1.0], [1.0, 1.0]]), dim=1)
    teacher = F.normalize(torch.tensor([[1.0, -0.5], [0.3, 1.0], [0.1, 1.0]]), dim=1)
    target = torch.tensor([0, 1, 2])
    rehearsal = torch.tensor([True, False, False])
    pull = float(SCALE * student[0] @ teacher[0])
    rivals = math.log(sum(math.exp(float(SCALE * student[0] @ student[k])) for k in (1, 2)))
    loss = Nspt()(student, teacher, target, rehearsal, SCALE)
    assert loss.item() == pytest.approx(math.log1p(math.exp(rivals - pull)), abs=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_class_alone_has_no_rival(variant: str) -> None:
    student, teacher, _, _ = batch_of(1, 0, 4)
    student.requires_grad_(True)
    everyone = torch.ones(4, dtype=torch.bool)
    loss = Nspt(variant)(student, teacher, torch.zeros(4, dtype=torch.int64), everyone, SCALE)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.isfinite(student.grad).all()


def test_new_clips_are_pushed_off_and_never_anchors() -> None:
    """A new clip's own row gets gradient as a rival alone; its teacher's vector means nothing."""
    student, teacher, target, rehearsal = batch_of(5, 3, 3)
    loss = Nspt()(student, teacher, target, rehearsal, SCALE)
    other = teacher.clone()
    other[~rehearsal] = -other[~rehearsal]
    assert Nspt()(student, other, target, rehearsal, SCALE).item() == loss.item()
    assert Nspt("ntpt")(student, other, target, rehearsal, SCALE) != Nspt("ntpt")(
        student, teacher, target, rehearsal, SCALE
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_gradient_reaches_the_teacher(variant: str) -> None:
    student, teacher, target, rehearsal = batch_of(2, 3, 4)
    student.requires_grad_(True)
    teacher.requires_grad_(True)
    Nspt(variant)(student, teacher, target, rehearsal, SCALE).backward()
    assert teacher.grad is None
    assert student.grad is not None
    assert student.grad.abs().max() > 1e-3


def test_a_batch_s_order_changes_nothing() -> None:
    rows = batch_of(7, 4, 5)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    loss = Nspt()(*rows, SCALE)
    assert Nspt()(*(each[order] for each in rows), SCALE).item() == pytest.approx(
        loss.item(), rel=1e-6
    )


def test_faults_are_sentences() -> None:
    student, teacher, target, rehearsal = batch_of(0, 2, 2)
    with pytest.raises(EarShotError, match="one of nsps, nspt, ntpt"):
        Nspt("nstp")  # type: ignore[arg-type]
    with pytest.raises(EarShotError, match="teacher of shape"):
        Nspt()(student, teacher[:2], target, rehearsal, SCALE)
    with pytest.raises(EarShotError, match="booleans"):
        Nspt()(student, teacher, target, rehearsal.long(), SCALE)
    with pytest.raises(EarShotError, match="teacher with NaN"):
        Nspt()(student, teacher * float("nan"), target, rehearsal, SCALE)
