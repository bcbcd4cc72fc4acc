from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.motif_series import MotifConfig, MotifSeries
from earshot.synth.seasonal_series import SeasonalConfig, seasonal_series

QUIET = MotifConfig(noise=0.0, n_bursts=0, motif_gain=(1.0, 1.0), likeness=0.0)


def test_a_motif_lies_where_the_focus_says_and_nowhere_else() -> None:
    world = MotifSeries(0, QUIET)
    for each in world.draw(16, "train"):
        assert each.focus is not None
        assert each.focus.sum() == QUIET.motif_steps
        np.testing.assert_allclose(each.frames[:, each.focus], world.motifs[each.label], atol=1e-6)
        assert not each.frames[:, ~each.focus].any()
        assert (world.motifs[each.label] ** 2).mean() == pytest.approx(1.0)


def test_bursts_are_the_same_for_all_classes_and_places_differ() -> None:
    world = MotifSeries(0, replace(QUIET, n_bursts=1, motif_gain=(0.0, 0.0), burst_gain=2.0))
    for each in world.draw(8, "train"):
        at = np.flatnonzero(each.frames.any(0))
        heard = each.frames[:, at[0] : at[0] + QUIET.motif_steps] / 2.0
        assert min(np.abs(heard - burst).max() for burst in world.bursts) < 1e-5
    places = {int(np.argmax(each.focus)) for each in MotifSeries(0).draw(40, "train")}
    assert len(places) > 20


def test_motifs_of_all_classes_have_their_share_in_common() -> None:
    motifs = MotifSeries(2, replace(QUIET, likeness=0.8, n_classes=40)).motifs
    common = np.mean(motifs, axis=0)
    assert (common**2).mean() == pytest.approx(0.8, abs=0.1)
    assert MotifSeries(2, replace(QUIET, likeness=1.0)).motifs[0] == pytest.approx(
        MotifSeries(2, replace(QUIET, likeness=1.0)).motifs[1]
    )


def test_series_depend_on_seed_and_split_alone() -> None:
    one, two = (MotifSeries(3).draw(4, "train") for _ in range(2))
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))
    other = MotifSeries(3).draw(4, "test")
    assert not np.array_equal(one[0].frames, other[0].frames)
    assert [each.label for each in one] == [0, 1, 2, 3]


def test_noise_has_its_deviation_and_memory() -> None:
    config = replace(QUIET, noise=0.5, noise_memory=0.7, motif_gain=(0.0, 0.0))
    rows = np.concatenate([each.frames for each in MotifSeries(1, config).draw(60, "x")])
    assert rows.std() == pytest.approx(0.5, abs=0.02)
    correlation = (rows[:, 1:] * rows[:, :-1]).mean() / rows.var()
    assert correlation == pytest.approx(0.7, abs=0.05)


def test_a_motif_longer_than_its_series_is_refused() -> None:
    with pytest.raises(EarShotError, match="a motif that fits"):
        MotifConfig(motif_steps=9, n_steps=8)


def test_a_seasonal_series_has_its_periods_and_regimes() -> None:
    config = SeasonalConfig(n_steps=4_032, noise=(0.1, 1.0))
    frames = seasonal_series(0, config)
    assert frames.shape == (3, 4_032)
    np.testing.assert_allclose(frames[1] ** 2 + frames[2] ** 2, 1.0, atol=1e-5)
    power = np.abs(np.fft.rfft(frames[0] - frames[0].mean())) ** 2
    found = set(np.argsort(-power)[:12])
    assert {4_032 // 24, 4_032 // 96} <= found
    jumps = np.abs(np.diff(frames[0], 2))[:4_000].reshape(-1, 50).mean(1)
    assert jumps.max() > 3 * jumps.min()  # loud and quiet stretches
    assert np.array_equal(frames, seasonal_series(0, config))
    assert not np.array_equal(frames, seasonal_series(1, config))
