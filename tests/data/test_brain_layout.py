from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.data.brain_layout import flat_layout

SETTINGS = settings(deadline=None, derandomize=True, max_examples=25)


def on_sphere(angles: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Places at these angles to the vertical and these turns about it."""
    return np.stack(
        [np.sin(angles) * np.cos(turns), np.sin(angles) * np.sin(turns), np.cos(angles)], 1
    )


@SETTINGS
@given(radius=st.floats(0.01, 300), shift=st.floats(-5, 5))
def test_distance_from_the_top_is_the_angle_whatever_unit_and_origin(
    radius: float, shift: float
) -> None:
    """The top lies in the middle; two rings of 0.4 and 0.8 rad lie at half and at all of it."""
    turns = np.arange(8) * np.pi / 4
    angles = np.concatenate([[0.0], np.full(8, 0.4), np.full(8, 0.8)])
    places = radius * (on_sphere(angles, np.concatenate([[0.0], turns, turns])) + shift)
    flat = flat_layout(places)
    assert flat[0] == pytest.approx([0.5, 0.5], abs=1e-6)
    away = np.linalg.norm(flat - 0.5, axis=1)
    assert away[1:9] == pytest.approx(0.25, abs=1e-6)
    assert away[9:] == pytest.approx(0.5, abs=1e-6)


def test_planes_lines_and_unknown_places() -> None:
    plane = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0.0], [np.nan] * 3])
    flat = flat_layout(plane)
    assert flat[:4] == pytest.approx(np.array([[0, 0], [1, 0], [0, 1], [1, 1]]), abs=1e-3)
    assert np.isnan(flat[4]).all()
    line = flat_layout(np.array([[0, 0, 0], [1, 0, 0.0]]))
    assert line[:, 1] == pytest.approx(0.5)
    assert np.isnan(flat_layout(np.full((2, 3), np.nan))).all()
    with pytest.raises(EarShotError, match="x, y and z"):
        flat_layout(np.zeros((2, 2)))
