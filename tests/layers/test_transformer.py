from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.positions import sinusoids
from earshot.layers.transformer import Transformer


@settings(deadline=None, derandomize=True, max_examples=20)
@given(n_real=st.integers(1, 7), n_more=st.integers(0, 5), seed=st.integers(0, 50))
def test_padding_changes_nothing(n_real: int, n_more: int, seed: int) -> None:
    torch.manual_seed(seed)
    model = Transformer(8, 2, 2).eval()
    hidden = torch.randn(1, n_real, 8)
    wide = torch.cat([hidden, 100 * torch.randn(1, n_more, 8)], 1)
    alone = model(hidden, padding_of(torch.tensor([n_real]), n_real))
    padding = padding_of(torch.tensor([n_real]), n_real + n_more)
    padded = model(wide, padding)
    assert torch.allclose(alone, padded[:, :n_real], atol=1e-5)
    assert torch.allclose(mean_of_real(padded, padding), alone.mean(1), atol=1e-5)


def test_each_position_sees_every_real_one() -> None:
    model = Transformer(8, 1, 2).eval()
    hidden = torch.randn(1, 4, 8, requires_grad=True)
    model(hidden, torch.tensor([[False, False, False, True]]))[0, 0].sum().backward()
    reach = hidden.grad.abs().sum(2)[0]
    assert (reach[:3] > 0).all()
    assert reach[3] == 0


def test_heads_must_share_the_width() -> None:
    with pytest.raises(EarShotError, match="divisors"):
        Transformer(10, 1, 3)


@pytest.mark.parametrize("dim", [1, 2, 7, 16])
def test_sinusoids_differ_by_place_and_stay_in_range(dim: int) -> None:
    rows = sinusoids(20, dim)
    assert rows.shape == (20, dim)
    assert rows.abs().max() <= 1
    assert len({tuple(row.tolist()) for row in rows}) == 20
    assert torch.equal(sinusoids(5, dim), rows[:5])
