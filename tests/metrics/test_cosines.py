from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.cosines import MOST_ROWS, cosine_histogram


def test_it_counts_every_pair_once() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((9, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [float(rows[i] @ rows[j]) for i in range(9) for j in range(i)]
    told = cosine_histogram(rows)
    for low, high, share in zip(told.edges[:-1], told.edges[1:], told.share, strict=True):
        inside = sum(low <= each < high for each in pairs)
        assert share == pytest.approx(inside / len(pairs))
    assert told.quantiles["p50"] == pytest.approx(np.median(pairs))
    assert told.share.sum() == pytest.approx(1.0)


def test_equal_and_opposite_rows() -> None:
    told = cosine_histogram([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    assert told.share[-1] == pytest.approx(1 / 3)
    assert told.share[0] == pytest.approx(2 / 3)
    assert told.to_text() == "-1.0 to -0.9: 67%, 0.9 to 1.0: 33%"


def test_many_rows_are_thinned_out_evenly() -> None:
    angle = np.linspace(0, np.pi, 3 * MOST_ROWS)
    rows = np.stack([np.cos(angle), np.sin(angle)], 1)
    assert cosine_histogram(rows).quantiles["p50"] == pytest.approx(
        cosine_histogram(rows[::3]).quantiles["p50"], abs=0.01
    )


def test_one_row_has_no_pair() -> None:
    with pytest.raises(EarShotError, match="two at least"):
        cosine_histogram([[1.0, 0.0]])
