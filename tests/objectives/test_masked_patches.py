from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.masked_patches import identification, reconstruction


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_identification(
    predicted: torch.Tensor, target: torch.Tensor, counts: list[int], transposed: bool
) -> tuple[float, float]:
    """Eq. 1 clip by clip and patch by patch, in double precision."""
    losses, rights = [], []
    for c, x, n in zip(predicted.double(), target.double(), counts, strict=True):
        terms, right = [], 0
        for i in range(n):
            along = [float((c[j] @ x[i]) if transposed else (c[i] @ x[j])) for j in range(n)]
            top = max(along)
            terms.append(top + math.log(sum(math.exp(v - top) for v in along)) - along[i])
            told = [float(c[i] @ x[j]) for j in range(n)]
            right += told.index(max(told)) == i
        losses.append(sum(terms) / n)
        rights.append(right / n)
    return sum(losses) / len(losses), sum(rights) / len(rights)


@pytest.mark.parametrize("transposed", [False, True])
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 10_000))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_identification_is_that_of_a_loop(transposed: bool, counts: list[int], seed: int) -> None:
    shape = (len(counts), max(counts), 5)
    predicted, target = drawn(*shape, seed=seed), drawn(*shape, seed=seed + 1)
    real = torch.arange(shape[1]) < torch.tensor(counts)[:, None]
    loss, accuracy = identification(predicted, target, real, transposed=transposed)
    slow, right = slow_identification(predicted, target, counts, transposed)
    assert loss.item() == pytest.approx(slow, abs=1e-5)
    assert accuracy.item() == pytest.approx(right, abs=1e-6)


def test_closed_forms() -> None:
    n, real = 7, torch.ones(2, 7, dtype=torch.bool)
    level = torch.ones(2, n, 4)  # every dot product alike: no better than chance
    assert identification(level, level, real)[0].item() == pytest.approx(math.log(n), abs=1e-6)
    eye = torch.eye(n).expand(2, n, n)  # own patch at s, the others at 0
    for s in (0.5, 3.0):
        loss, accuracy = identification(s * eye, eye, real)
        assert loss.item() == pytest.approx(math.log1p((n - 1) * math.exp(-s)), abs=1e-6)
        assert accuracy.item() == 1.0
    turned, _ = identification(eye.roll(1, 1) * 3, eye, real)
    assert turned.item() == pytest.approx(3 + math.log1p((n - 1) * math.exp(-3)), abs=1e-5)


def test_the_paper_s_form_is_the_transposed_one_of_swapped_roles() -> None:
    c, x, real = drawn(3, 6, 4), drawn(3, 6, 4, seed=1), torch.ones(3, 6, dtype=torch.bool)
    one = identification(c, x, real)[0]
    other = identification(x, c, real, transposed=True)[0]
    assert one.item() == pytest.approx(other.item(), abs=1e-6)
    assert one.item() != pytest.approx(identification(c, x, real, transposed=True)[0].item())


def test_reconstruction_is_the_mean_square_of_real_patches() -> None:
    target = drawn(2, 3, 4)
    real = torch.tensor([[True, True, True], [True, False, False]])
    predicted = target + 2.0
    predicted[1, 1:] = 1e6  # padding
    assert reconstruction(predicted, target, real).item() == pytest.approx(4.0, abs=1e-5)


def test_gradients_are_finite_and_none_comes_from_padding() -> None:
    predicted = drawn(2, 3, 4).requires_grad_()
    real = torch.tensor([[True, True, True], [True, False, False]])
    for transposed in (False, True):
        predicted.grad = None
        loss, _ = identification(predicted, drawn(2, 3, 4, seed=1), real, transposed=transposed)
        (loss + reconstruction(predicted, drawn(2, 3, 4), real)).backward()
        assert predicted.grad is not None
        assert predicted.grad.isfinite().all()
        assert not predicted.grad[1, 1:].any()


def test_a_clip_that_hides_nothing_counts_for_nothing() -> None:
    c, x = drawn(2, 3, 4), drawn(2, 3, 4, seed=1)
    both = torch.tensor([[True] * 3, [False] * 3])
    one = torch.ones(1, 3, dtype=torch.bool)
    assert identification(c, x, both)[0].item() == pytest.approx(
        identification(c[:1], x[:1], one)[0].item(), abs=1e-6
    )
    assert reconstruction(c, x, both & False).item() == 0.0


def test_shapes_that_do_not_fit_are_refused() -> None:
    real = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(EarShotError, match="target of shape"):
        identification(drawn(2, 3, 4), drawn(2, 3, 5), real)
    with pytest.raises(EarShotError, match="real of shape"):
        reconstruction(drawn(2, 3, 4), drawn(2, 3, 4), real[:1])
