from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.training.vector_probe import (
    Labelled,
    forecast_errors,
    nearest_accuracy,
    probe_figures,
)


def clouds(n: int, seed: int, apart: float = 4.0) -> Labelled:
    """Three classes about the corners of a triangle, on one of three very different scales."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 3
    centers = apart * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    vectors = centers[target] + rng.standard_normal((n, 3))
    return Labelled(vectors * [1.0, 100.0, 0.01], target)


def test_probes_tell_clouds_apart_and_not_shuffled_ones() -> None:
    train, test = clouds(300, 0), clouds(300, 1)
    figures = probe_figures(train, test, seed=0)
    assert figures["probe_accuracy"] > 0.95
    mixed = Labelled(train.vectors, np.random.default_rng(0).permutation(train.target))
    assert probe_figures(mixed, test, seed=0)["probe_accuracy"] < 0.6
    even = Labelled(train.vectors / [1.0, 100.0, 0.01], train.target)
    assert nearest_accuracy(even, Labelled(test.vectors / [1, 100, 0.01], test.target)) > 0.95
    assert nearest_accuracy(even, even, n_nearest=1) == 1.0


def test_a_linear_future_is_forecast_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    at = np.arange(900)
    wave = np.sqrt(2) * np.sin(2 * np.pi * at / 24)
    phases = np.column_stack([np.sin(2 * np.pi * at / 24), np.cos(2 * np.pi * at / 24)])
    known = forecast_errors(phases, wave, (5, 24), (540, 720))
    assert max(known.values()) < 1e-3
    noise = rng.standard_normal(900)
    blind = forecast_errors(rng.standard_normal((900, 2)), noise, (5,), (540, 720))
    assert blind[5] == pytest.approx((noise[721:] ** 2).mean(), abs=0.1)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(EarShotError, match="of one class"):
        probe_figures(Labelled(np.ones((4, 2)), np.zeros(4, int)), clouds(9, 0), 0)
    with pytest.raises(EarShotError, match="longer than the horizon"):
        forecast_errors(np.zeros((100, 2)), np.zeros(100), (30,), (60, 80))
