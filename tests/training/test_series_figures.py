from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.layers.tcn_trunk import TcnTrunkConfig
from earshot.models.pretraining.learned_views import LearnedViews, LearnedViewsConfig
from earshot.synth.motif_series import MotifConfig, MotifSeries
from earshot.training.series_figures import forecast_figures, series_figures

TRUNK = TcnTrunkConfig(width=8, depth=1, dim=16, causal_kernels=(), direction="causal")
WORLD = MotifSeries(
    0, MotifConfig(n_classes=3, n_steps=30, motif_steps=6, noise=0.1, n_bursts=0, likeness=0.0)
)


def test_a_mask_that_is_the_motif_s_energy_is_scored_high_and_its_opposite_low() -> None:
    torch.manual_seed(0)
    task = LearnedViews(Tcn(TcnConfig(4, TRUNK)), LearnedViewsConfig())
    train, test = WORLD.draw(60, "train"), WORLD.draw(30, "test")
    assert task.augment is not None

    def loud(module: object, given: tuple[torch.Tensor, ...], made: object) -> object:
        h = (given[0].square().mean(2, keepdim=True) > 0.15).float().expand_as(given[0])
        return made._replace(h=h if sign > 0 else 1 - h)  # type: ignore[attr-defined]

    sign = 1
    task.augment.register_forward_hook(loud)
    found = series_figures(task, train, test, seed=0)
    assert found["mask_auroc"] > 0.9
    assert found["mask_iou"] > 0.7
    assert found["mask_mean"] == pytest.approx(6 / 30, abs=0.05)
    assert found["probe_accuracy"] > 0.8  # three clear motifs, even for random weights
    sign = -1
    assert series_figures(task, train, test, seed=0)["mask_auroc"] < 0.1


def test_a_clean_season_is_forecast_and_skill_is_one_less_the_error() -> None:
    torch.manual_seed(0)
    at = np.arange(600)
    wave = np.sqrt(2) * np.sin(2 * np.pi * at / 12)
    frames = wave[None].astype(np.float32)
    found = forecast_figures(Tcn(TcnConfig(1, TRUNK)), frames, (360, 480), (6, 24))
    assert found["skill_6"] == pytest.approx(1 - found["mse_6"])
    assert found["skill"] == pytest.approx((found["skill_6"] + found["skill_24"]) / 2)
    assert found["skill"] > 0.9
