"""Where sensors sit, flattened: places in space become places in the unit square."""

from __future__ import annotations

import numpy as np

from earshot.core.shapes import check_shape


def flat_layout(places: np.ndarray) -> np.ndarray:
    """Float64 [sensors, 2] in [0, 1] of places [sensors, 3]: x right, y forward, z up; NaN stays.

    An azimuthal map: from a sphere fitted to the sensors, the distance from the middle is the angle
    to the vertical. Each side is then stretched to the unit square. The unit of `places` and where
    their origin lies change nothing. Sensors that do not move along a side lie in its middle.
    """
    check_shape("places", places, ("sensors", 3), mend="Give x, y and z of every sensor.")
    flat = np.full((len(places), 2), np.nan)
    known = np.isfinite(places).all(1)
    if not known.any():
        return flat
    seen = places[known].astype(np.float64)
    from_centre = seen - _centre(seen)
    across = np.hypot(from_centre[:, 0], from_centre[:, 1])
    angle = np.arctan2(across, from_centre[:, 2])  # 0 at the top
    factor = np.divide(angle, across, out=np.ones_like(angle), where=across > 1e-12)
    points = from_centre[:, :2] * factor[:, None]
    low, high = points.min(0), points.max(0)
    size = high - low
    flat[known] = np.where(size > 1e-12, (points - low) / np.where(size > 1e-12, size, 1.0), 0.5)
    return flat


def _centre(places: np.ndarray) -> np.ndarray:
    """Of the sphere that fits best; far below sensors that lie in a plane."""
    middle = places.mean(0)
    shifted = places - middle
    size = np.sqrt((shifted**2).sum(1).mean())
    if len(places) >= 4 and size > 0:
        unit = shifted / size
        table = np.concatenate([2.0 * unit, np.ones((len(unit), 1))], 1)
        found, _, rank, _ = np.linalg.lstsq(table, (unit**2).sum(1), rcond=1e-6)
        if rank == 4:
            return middle + found[:3] * size
    return middle - np.array([0.0, 0.0, 1e3 * max(size, 1e-6)])
