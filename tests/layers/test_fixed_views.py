from __future__ import annotations

import pytest
import torch

from earshot.layers.fixed_views import crop_to_zero, jitter_and_scale, random_mask


def test_jitter_and_scaling_have_their_deviations() -> None:
    torch.manual_seed(0)
    series = torch.full((400, 50, 4), 2.0)
    moved = jitter_and_scale(series, jitter=0.3, scaling=0.5)
    factors = moved.mean(1) / 2.0  # [batch, channels]: one for all steps
    assert factors.mean().item() == pytest.approx(1.0, abs=0.05)
    assert factors.std().item() == pytest.approx(0.5, abs=0.03)
    noise = moved - moved.mean(1, keepdim=True)
    assert noise.std().item() == pytest.approx(0.3, abs=0.01)


def test_a_crop_keeps_one_stretch_of_the_real_steps() -> None:
    torch.manual_seed(0)
    series, n_steps = torch.ones(500, 12, 2), torch.tensor([12, 5]).repeat(250)
    cropped = crop_to_zero(series, n_steps, kept=0.5)
    kept = cropped[..., 0].bool()
    assert kept[::2].sum(1).unique().tolist() == [6]
    assert kept[1::2].sum(1).unique().tolist() == [3]  # half of five, rounded up
    assert not kept[1::2, 5:].any()
    assert (kept.diff(dim=1).sum(1) <= 2).all()  # in one piece
    assert kept[::2].any(0).all()  # anywhere


def test_a_random_mask_keeps_its_share() -> None:
    torch.manual_seed(0)
    kept = random_mask(torch.ones(50, 40, 3), kept=0.3)
    assert kept.unique().tolist() == [0.0, 1.0]
    assert kept.mean().item() == pytest.approx(0.3, abs=0.02)
