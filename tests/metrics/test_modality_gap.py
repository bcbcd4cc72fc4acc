from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.modality_gap import modality_gap


def test_the_gap_is_own_pairs_by_others_whatever_the_scale() -> None:
    table = np.array([[1.0, 4.0, 6.0], [3.0, 2.0, 1.0], [5.0, 5.0, 0.0]])
    figures = modality_gap(table)
    assert figures == pytest.approx({"gap": 1.0 / 4.0, "retrieval_r1": 2 / 3})
    assert modality_gap(table * 70) == pytest.approx(figures)


def test_a_tie_is_a_miss_and_chance_is_one() -> None:
    assert modality_gap(np.ones((4, 4))) == {"gap": 1.0, "retrieval_r1": 0.0}
    noise = np.random.default_rng(0).uniform(1, 2, (200, 200))
    assert modality_gap(noise)["gap"] == pytest.approx(1.0, abs=0.05)


def test_what_has_no_gap_is_refused() -> None:
    with pytest.raises(EarShotError, match="a square"):
        modality_gap(np.ones((2, 3)))
    with pytest.raises(EarShotError, match="collapsed"):
        modality_gap(np.zeros((2, 2)))
    with pytest.raises(EarShotError, match="NaN"):
        modality_gap([[0.0, np.nan], [1.0, 0.0]])
