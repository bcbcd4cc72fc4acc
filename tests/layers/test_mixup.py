from __future__ import annotations

import pytest
import torch

from earshot.layers.mixup import draw_mixing, mix_pairs


def test_pairs_are_mixed_as_a_loop_mixes_them() -> None:
    torch.manual_seed(0)
    values, shares = torch.randn(8, 3, 5), draw_mixing(8, 1.0)
    mixed = mix_pairs(values, shares)
    for i in range(4):
        expected = shares[2 * i] * values[2 * i] + shares[2 * i + 1] * values[2 * i + 1]
        assert torch.allclose(mixed[i], expected, atol=1e-6)
    ones = mix_pairs(torch.ones(8, 4), shares)
    assert torch.allclose(ones, torch.ones(4, 4), atol=1e-6)


@pytest.mark.parametrize(("alpha", "variance"), [(1.0, 1 / 12), (0.2, 0.25 / 1.4)])
def test_shares_are_beta_and_come_from_torch_s_generator(alpha: float, variance: float) -> None:
    """The variance of Beta(a, a) is 1 / (4 (2a + 1))."""
    torch.manual_seed(1)
    shares = draw_mixing(40_000, alpha)
    assert torch.allclose(shares[0::2] + shares[1::2], torch.ones(20_000))
    assert float(shares[0::2].mean()) == pytest.approx(0.5, abs=0.01)
    assert float(shares[0::2].var()) == pytest.approx(variance, rel=0.03)
    torch.manual_seed(1)
    assert torch.equal(draw_mixing(40_000, alpha), shares)
