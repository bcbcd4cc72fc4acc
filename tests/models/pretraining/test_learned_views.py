from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.layers.parametric_augment import ParametricAugmentConfig
from earshot.layers.tcn_trunk import TcnTrunkConfig
from earshot.models.pretraining.learned_views import LearnedViews, LearnedViewsConfig, View, frozen
from earshot.objectives.mask_terms import mean_of_mask, variation
from earshot.objectives.mmd import mean_discrepancy
from earshot.objectives.series_contrast import global_contrast, local_contrast

TRUNK = TcnTrunkConfig(width=6, depth=1, dim=8, causal_kernels=(1, 2))
CONFIG = LearnedViewsConfig(
    augment=ParametricAugmentConfig(replace(TRUNK, dim=4)), n_windows=4, smooth="variation"
)
FRAMES, N = torch.randn(6, 3, 20), torch.tensor([20, 20, 18, 20, 9, 20])


def task(config: LearnedViewsConfig = CONFIG, step_dropout: float = 0.5) -> LearnedViews:
    torch.manual_seed(0)
    return LearnedViews(Tcn(TcnConfig(3, TRUNK, step_dropout=step_dropout)), config).train()


def moved(part: torch.nn.Module) -> set[bool]:
    return {value.grad is not None and bool(value.grad.any()) for value in part.parameters()}


def test_each_turn_gives_gradients_to_its_own_part_alone() -> None:
    for turn, own, other in (("encoder", "encoder", "augment"), ("augment", "augment", "encoder")):
        model = task(replace(CONFIG, smooth_weight=0.1, size_target=0.0))
        model(FRAMES, N, turn)["loss"].backward()
        assert moved(getattr(model, own)) == {True}
        assert all(value.grad is None for value in getattr(model, other).parameters())
        assert all(value.requires_grad for value in model.encoder.parameters())
        assert model.encoder.training
        assert model.average is not None
        assert all(value.grad is None for value in model.average.parameters())


def test_frozen_lets_gradients_through_and_gives_itself_none() -> None:
    layer, x = torch.nn.Linear(2, 2), torch.randn(3, 2, requires_grad=True)
    layer.bias.requires_grad_(False)
    with frozen(layer):
        assert not layer.training
        layer(x).sum().backward()
    assert x.grad is not None and x.grad.any()  # noqa: PT018
    assert layer.weight.grad is None
    assert layer.training
    assert [layer.weight.requires_grad, layer.bias.requires_grad] == [True, False]


def test_the_encoder_s_loss_is_its_named_parts() -> None:
    model = task(step_dropout=0.0)
    found = model(FRAMES, N, "encoder")
    series = FRAMES.transpose(1, 2)
    view = model.parametric_view(series, N).view
    hidden = model.encoder.steps(series, N)
    expected = global_contrast(
        model.encoder.pool(hidden, N), model.encoder.pool(model.encoder.steps(view, N), N)
    )
    local = local_contrast(hidden, N, n_windows=4)
    torch.testing.assert_close(found["global"], expected)
    torch.testing.assert_close(found["loss"], expected + 0.3 * local)
    assert "local" not in task(replace(CONFIG, local_weight=0.0))(FRAMES, N, "encoder")


def test_the_augmentation_s_loss_is_its_named_parts() -> None:
    config = replace(CONFIG, size_weight=2.0, size_target=0.1, smooth_weight=0.5)
    model = task(config)
    torch.manual_seed(7)
    found = model(FRAMES, N, "augment")
    torch.manual_seed(7)
    series, padding = FRAMES.transpose(1, 2), torch.arange(20) >= N[:, None]
    made = model.augment.train()(series, padding)
    encoder = model.encoder.eval()
    apart = mean_discrepancy(
        encoder.pool(encoder.steps(series, N), N), encoder.pool(encoder.steps(made.view, N), N)
    )
    expected = apart + 2.0 * (mean_of_mask(made.h, N) - 0.1) + 0.5 * variation(made.h, N)
    torch.testing.assert_close(found["loss"], expected)
    assert found.keys() == {
        "loss", "augment_loss", "discrepancy", "mask_excess", "smoothness", "mask_mean",
    }  # fmt: skip
    later = model(FRAMES, N, "encoder")  # what the other turn said is logged beside
    assert later["mask_mean"] == found["mask_mean"]


def test_the_running_mean_is_over_the_encoder_s_own_updates() -> None:
    model = task(replace(CONFIG, average_after=1))
    seen: list[Tensor] = []
    for i in range(4):
        for turn in ("augment", "encoder"):
            model(FRAMES, N, turn)
            with torch.no_grad():
                model.encoder.input_fc.bias.fill_(float(i))
            model.after_update()
        seen.append(model.encoder.input_fc.bias.clone())
    assert int(model.n_updates) == 4
    model.take_average()
    torch.testing.assert_close(model.encoder.input_fc.bias, torch.stack(seen[1:]).mean(0))
    fresh = task()
    before = fresh.encoder.input_fc.bias.clone()
    fresh.take_average()  # none has begun
    assert torch.equal(fresh.encoder.input_fc.bias, before)
    assert task(replace(CONFIG, average_after=None)).average is None


@pytest.mark.parametrize("view", ["none", "jitter", "crop", "random_mask", "spec_augment", "focus"])
def test_fixed_views_need_no_network(view: View) -> None:
    model = task(replace(CONFIG, view=view))
    assert model.augment is None
    assert not model.learns
    focus = torch.zeros(6, 20, dtype=torch.bool)
    focus[:, 3:8] = True
    series = FRAMES.transpose(1, 2)
    made = model.view(series, N, focus)
    assert made.shape == series.shape
    assert torch.equal(made, series) == (view == "none")
    if view == "focus":
        torch.testing.assert_close(made, series * focus[..., None])
        with pytest.raises(EarShotError, match="nobody knows"):
            model.view(series, N, torch.zeros_like(focus))
    assert torch.isfinite(model(FRAMES, N, "encoder", focus)["loss"])


def test_elsewhere_is_the_mask_of_the_next_series() -> None:
    model = task(replace(CONFIG, view="elsewhere"))
    series = FRAMES.transpose(1, 2)
    made = model.parametric_view(series, N)
    elsewhere = model.view(series, N, None)
    torch.testing.assert_close(elsewhere[1], made.g[0] * made.h[0] * series[1])


def test_numbers_that_make_no_loss_are_refused() -> None:
    with pytest.raises(EarShotError, match="size_target=1.5"):
        LearnedViewsConfig(size_target=1.5)
