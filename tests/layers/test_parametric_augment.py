from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.parametric_augment import ParametricAugment, ParametricAugmentConfig
from earshot.layers.tcn_trunk import TcnTrunk, TcnTrunkConfig

TRUNK = TcnTrunkConfig(width=6, depth=1, dim=5, causal_kernels=(1, 2))
CONFIG = ParametricAugmentConfig(TRUNK)


def made(config: ParametricAugmentConfig = CONFIG) -> ParametricAugment:
    torch.manual_seed(0)
    return ParametricAugment(3, config)


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        augment = ParametricAugment(8)
    n = sum(each.numel() for each in augment.parameters())
    assert n == pytest.approx(0.1e6, rel=0.05)
    assert augment.factor_head.weight.shape == (8, 16)


def test_a_view_is_scale_times_mask_times_series() -> None:
    augment, series = made(), torch.randn(4, 20, 3)
    view, h, g, aux = augment(series)
    torch.testing.assert_close(view, g * h * series)
    assert h.shape == g.shape == series.shape
    assert h.min() >= 0 and h.max() <= 1 and g.min() > 0 and g.max() < 1  # noqa: PT018
    assert aux.keys() == {"logits", "open"}
    kept = made(replace(CONFIG, rescale=False, over="time"))(series)
    torch.testing.assert_close(kept.view, kept.h * series)
    assert torch.equal(kept.h, kept.h[..., :1].expand_as(kept.h))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(logit=st.floats(-6, 6), temperature=st.floats(0.3, 2.0), stretch=st.floats(0.0, 0.5))
def test_without_noise_the_mask_is_the_stretched_sigmoid(
    logit: float, temperature: float, stretch: float
) -> None:
    augment = made(replace(CONFIG, temperature=temperature, stretch=stretch)).eval()
    soft = 1 / (1 + math.exp(-logit / temperature))
    expected = min(1.0, max(0.0, soft * (1 + stretch) - stretch))
    assert augment._mask(torch.tensor([logit])).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("logit", [-2.0, 0.0, 1.5])
def test_drawn_masks_are_open_as_often_as_is_said(logit: float) -> None:
    torch.manual_seed(0)
    augment = made(replace(CONFIG, noise_margin=0.0, stretch=0.2, temperature=0.7))
    logits = torch.full((20_000,), logit)
    drawn = augment._mask(logits)
    expected = augment.open_chance(logits[:1]).item()
    assert (drawn > 0).float().mean().item() == pytest.approx(expected, abs=0.015)
    assert augment.open_chance(logits[:1]).item() < 1
    noiseless = made(replace(CONFIG, stretch=0.0))
    assert noiseless.open_chance(logits[:1]).item() == 1.0


def test_a_hard_mask_has_two_values_and_the_soft_one_s_gradient() -> None:
    soft, hard = made().eval(), made(replace(CONFIG, hard=True)).eval()
    logits = torch.tensor([-1.0, 0.5, 2.0])
    one, two = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    soft._mask(one).sum().backward()
    out = hard._mask(two)
    out.sum().backward()
    assert out.tolist() == [0.0, 1.0, 1.0]
    torch.testing.assert_close(one.grad, two.grad)


def test_compatible_logits_lie_between_zero_and_one_as_in_the_released_code() -> None:
    augment = made(replace(CONFIG, logits="compatible", stretch=0.0)).eval()
    with torch.no_grad():
        augment.factor_head.weight.zero_()
        augment.factor_head.bias.fill_(-50.0)
    h = augment(torch.randn(2, 5, 3)).h
    torch.testing.assert_close(h, torch.full_like(h, 0.5))  # never closer to 0
    raw = made(replace(CONFIG, stretch=0.0)).eval()
    raw.load_state_dict(augment.state_dict())
    assert raw(torch.randn(2, 5, 3)).h.max() < 1e-6


def test_padding_and_batch_mates_change_nothing_and_missing_values_are_silence() -> None:
    augment, short = made().eval(), torch.randn(1, 7, 3)
    long = torch.full((2, 12, 3), 5.0)
    long[0, :7] = short
    padding = torch.arange(12) >= torch.tensor([[7], [12]])
    one, two = augment(short), augment(long, padding)
    for a, b in zip((one.view, one.h, one.g), (two.view, two.h, two.g), strict=True):
        torch.testing.assert_close(b[:1, :7], a, atol=1e-6, rtol=1e-5)
    assert not two.h[0, 7:].any()
    trunk = TcnTrunk(3, TRUNK)
    missing, hidden = short.clone(), torch.zeros(1, 7, dtype=torch.bool)
    missing[0, 3, 1], hidden[0, 3] = torch.nan, True
    torch.testing.assert_close(trunk(missing), trunk(short, None, hidden))
    assert not torch.allclose(trunk(missing), trunk(short))


def test_numbers_that_make_no_mask_are_refused() -> None:
    with pytest.raises(EarShotError, match="noise_margin=0.5"):
        ParametricAugmentConfig(noise_margin=0.5)
    with pytest.raises(EarShotError, match="depth of 0 to 30"):
        TcnTrunkConfig(depth=31)
    with pytest.raises(EarShotError, match="number of channels"):
        made()(torch.zeros(1, 4, 2))
