from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.harmony import conflict, gram_of_rows, realign


def harmonised(gradients: Tensor) -> Tensor:
    """gradients [losses, batch, dim] -> the realigned ones, of the same shape."""
    share = realign(gram_of_rows(gradients))
    return torch.einsum("bkl,lbd->kbd", share, gradients.double())


def test_two_vectors_worked_out_by_hand() -> None:
    first, second = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 1.0]])
    pair = torch.stack([first, second])
    assert conflict(gram_of_rows(pair)).item() == pytest.approx(-1 / np.sqrt(2))
    one, two = harmonised(pair)
    # g1 - (-1 / 2) g2 = (1, 0) + (-1/2, 1/2); g2 - (-1 / 1) g1 = (-1, 1) + (1, 0)
    torch.testing.assert_close(one, torch.tensor([[0.5, 0.5]]).double())
    torch.testing.assert_close(two, torch.tensor([[0.0, 1.0]]).double())


def test_vectors_that_agree_stay_as_they_are() -> None:
    pair = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 3.0], [0.0, 2.0]]])  # cosines > 0 and 0
    assert torch.equal(harmonised(pair), pair.double())


@settings(deadline=None, derandomize=True, max_examples=60)
@given(seed=st.integers(0, 10_000), dim=st.integers(1, 9))
def test_after_realigning_neither_points_against_the_other(seed: int, dim: int) -> None:
    pair = torch.randn(2, 7, dim, generator=torch.Generator().manual_seed(seed))
    one, two = harmonised(pair)
    first, second = pair.double()
    cosine = conflict(gram_of_rows(pair))
    for row in range(7):
        if cosine[row] < 0:
            assert abs(float(one[row] @ second[row])) < 1e-9
            assert abs(float(two[row] @ first[row])) < 1e-9
        else:
            assert torch.equal(one[row], first[row])
            assert torch.equal(two[row], second[row])


@settings(deadline=None, derandomize=True, max_examples=30)
@given(seed=st.integers(0, 10_000), n_losses=st.integers(2, 4))
def test_any_number_of_losses_equals_a_loop(seed: int, n_losses: int) -> None:
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((n_losses, 5, 3))
    found = harmonised(torch.from_numpy(gradients))
    told = conflict(gram_of_rows(torch.from_numpy(gradients)))
    for row in range(5):
        cosines = []
        for own in range(n_losses):
            vector = gradients[own, row].copy()
            for other in range(n_losses):
                if other != own:
                    plane = gradients[other, row]  # always the unmodified one
                    mine = gradients[own, row]
                    lengths = np.linalg.norm(mine) * np.linalg.norm(plane)
                    cosines.append(mine @ plane / lengths)
                    if vector @ plane < 0:
                        vector -= (vector @ plane) / (plane @ plane) * plane
            np.testing.assert_allclose(found[own, row].numpy(), vector, atol=1e-9)
        assert told[row].item() == pytest.approx(min(cosines), abs=1e-9)


def test_a_gradient_of_zero_conflicts_with_none() -> None:
    pair = torch.tensor([[[0.0, 0.0]], [[-1.0, 2.0]]])
    assert conflict(gram_of_rows(pair)).item() == 1.0
    assert torch.equal(harmonised(pair), pair.double())


def test_a_single_loss_is_refused() -> None:
    for part in (conflict, realign):
        with pytest.raises(EarShotError, match="two losses or more"):
            part(torch.ones(3, 1, 1))
