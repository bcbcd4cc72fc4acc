from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.metrics import multi_label
from earshot.training.conflict_plot import conflict_plot
from earshot.training.harmony_log import N_BINS, Told, area, harmony_figures, histogram, sums


def told(batch: int, plain, flagged, gamma: float = -0.1) -> Told:
    kept, kept_flagged = sum(c > gamma for c in [*plain, *flagged]), sum(c > gamma for c in flagged)
    bins = [histogram(torch.tensor(each, dtype=torch.double)).tolist() for each in (plain, flagged)]
    n = len(plain) + len(flagged)
    return Told(batch, gamma, n, kept, len(flagged), kept_flagged, *bins)


def test_every_cosine_falls_into_its_bin() -> None:
    counts = histogram(torch.tensor([-1.0, -0.999, 0.0, 0.01, 1.0])).tolist()
    assert (counts[0], counts[N_BINS // 2], counts[-1]) == (2, 2, 1)
    assert sum(counts) == 5


def test_the_area_is_that_of_the_bins_centres() -> None:
    rng = np.random.default_rng(0)
    plain, flagged = np.tanh(rng.normal(0.3, 0.4, 300)), np.tanh(rng.normal(0.0, 0.4, 200))
    row = told(0, plain.tolist(), flagged.tolist())
    counts = np.array([row.conflict, row.flagged])
    scores = -np.repeat(np.tile(np.arange(N_BINS), 2), counts.ravel())[:, None]
    truth = np.repeat([0.0, 1.0], counts.sum(1))[:, None]
    assert area(*counts.tolist()) == pytest.approx(multi_label(scores, truth).roc_auc[0])
    assert 0.6 < area(*counts.tolist()) < 0.9


def test_figures_leave_the_warm_up_out() -> None:
    rows = [told(0, [0.5, -0.5], [-0.9], gamma=-1.0)]
    rows += [told(n, [0.5, 0.3, -0.05], [-0.5, 0.2]) for n in range(1, 11)]
    figures = harmony_figures(rows)
    assert figures["kept"] == figures["kept_end"] == pytest.approx(4 / 5)
    assert figures["kept_flagged"] == pytest.approx(1 / 2)
    assert figures["conflict_auc"] == pytest.approx(5 / 6)
    assert sums(rows[1:3])[1] == [2 * n for n in rows[1].flagged]
    assert harmony_figures([]) == {}
    assert "conflict_auc" not in harmony_figures([told(1, [0.5], [])])


def test_a_run_that_drops_nothing_is_figured_whole() -> None:
    rows = [told(n, [0.5, 0.3], [-0.5, 0.4], gamma=-1.0) for n in range(3)]
    figures = harmony_figures(rows)
    assert figures["kept"] == figures["kept_flagged"] == 1.0
    assert figures["conflict_auc"] == pytest.approx(3 / 4)


def test_an_area_needs_both_kinds() -> None:
    with pytest.raises(EarShotError, match="one of each"):
        area([1, 2], [0, 0])


def test_the_picture_is_a_function_of_the_log() -> None:
    rows = [told(n, [0.5, 0.3, 0.1], [-0.5, 0.1 * n]) for n in range(8)]
    names = {"plain": "own", "flagged": "another's", "title": "Conflict"}
    picture = conflict_plot(rows, **names)
    assert picture == conflict_plot(rows, **names)
    assert picture.count("AUC") == 4
    assert "1-2" in picture
    assert "another's" in picture
    moved = [*rows[:-1], told(7, [0.5, 0.3, 0.1], [-0.5, -0.9])]
    assert conflict_plot(moved, **names) != picture
    alone = [told(n, [0.5, 0.3], []) for n in range(4)]
    assert "another's" not in conflict_plot(alone, **names)
    with pytest.raises(EarShotError, match="at least 4"):
        conflict_plot(rows[:3], **names)
