from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.d_prime import d_prime


def test_published_areas_give_their_published_d_prime() -> None:
    """arXiv:1912.10211, Table III: areas are rounded there."""
    assert d_prime(0.973) == pytest.approx(2.732, abs=0.01)
    assert d_prime(0.959) == pytest.approx(2.452, abs=0.015)
    assert d_prime(0.5) == 0.0
    assert d_prime(0.2) == pytest.approx(-d_prime(0.8))


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0])
def test_it_is_the_distance_of_two_normal_distributions(distance: float) -> None:
    rng = np.random.default_rng(0)
    below, above = rng.normal(0, 1, 4_000), rng.normal(distance, 1, 4_000)
    area = float((above[:, None] > below[None]).mean())
    assert d_prime(area) == pytest.approx(distance, abs=0.05)


def test_what_is_no_area_is_refused() -> None:
    with pytest.raises(EarShotError, match="an area of 1.5"):
        d_prime(1.5)
