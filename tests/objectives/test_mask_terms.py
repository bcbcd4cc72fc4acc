from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.objectives.mask_terms import mean_of_mask, pair_smoothness, size_excess, variation


def test_the_size_is_a_mean_over_real_steps_and_channels() -> None:
    mask = torch.zeros(2, 4, 3)
    mask[0, :, 0] = 1.0  # a third of four steps
    mask[1, 0] = 1.0  # all of the only real step
    mask[1, 1:] = 9.0  # padding
    n_steps = torch.tensor([4, 1])
    assert mean_of_mask(mask, n_steps).item() == pytest.approx((4 + 3) / 15)
    assert size_excess(mask, n_steps, target=0.4).item() == pytest.approx(7 / 15 - 0.4)
    assert size_excess(mask, n_steps, target=0.5).item() == 0.0
    wide = mask.repeat(1, 1, 4)  # more channels of the same: the same size
    assert mean_of_mask(wide, n_steps).item() == pytest.approx(7 / 15)


def test_variation_counts_jumps_between_real_neighbours() -> None:
    mask = torch.tensor([[0.0, 1.0, 1.0, 0.5, 7.0], [1.0, 3.0, 3.0, 3.0, 3.0]])[..., None]
    n_steps = torch.tensor([4, 1])
    assert variation(mask, n_steps).item() == pytest.approx((1 + 0 + 0.5) / 3)
    assert variation(torch.ones(2, 5, 3), torch.tensor([5, 5])).item() == 0.0
    assert variation(torch.ones(1, 1, 1), torch.tensor([1])).item() == 0.0


def test_pairs_like_alike_neighbours_and_unlike_distances() -> None:
    """Closed forms by their means over many draws."""
    torch.manual_seed(0)
    n = torch.full((4_000,), 10)
    constant = pair_smoothness(torch.ones(4_000, 10, 2), n).item()
    # nothing between neighbours; 1 where b <= a + 1: b even over 10 steps, a over 1..8
    chance = sum((min(9, a + 1) + 1) / 10 for a in range(1, 9)) / 8
    assert constant == pytest.approx(chance, abs=0.02)
    step = torch.zeros(4_000, 10, 2)
    step[:, 5:] = 1.0
    jumps = 2 / 8  # a of 4 and of 5 have one unlike neighbour
    far = 0.0
    for a in range(1, 9):
        for b in range(10):
            apart = float((a < 5) != (b < 5))
            far += (apart if b > a + 1 else 1 - apart) / 80
    assert pair_smoothness(step, n).item() == pytest.approx(jumps + far, abs=0.03)
    assert pair_smoothness(torch.rand(2, 2, 1), torch.tensor([2, 1])).item() == 0.0


def test_lengths_that_cannot_be_are_refused() -> None:
    with pytest.raises(EarShotError, match="lengths from 1 to 4"):
        mean_of_mask(torch.zeros(1, 4, 1), torch.tensor([5]))
    with pytest.raises(EarShotError, match="its length"):
        variation(torch.zeros(2, 4, 1), torch.tensor([4]))
