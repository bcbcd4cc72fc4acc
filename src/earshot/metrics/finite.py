"""Figures are computed from finite numbers or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError


def finite_array(name: str, values: ArrayLike, *, n_dims: int) -> NDArray[np.float64]:
    """`values` as float64 of `n_dims` dimensions, none of them empty; NaN and Inf are refused."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != n_dims or not array.size:
        raise EarShotError(
            got=f"{name} of shape {list(array.shape)}",
            expected=f"{n_dims} dimension{'s' * (n_dims > 1)}, none of them empty",
            mend="Pass one row per item that was scored.",
        )
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        raise EarShotError(
            got=f"{name} with {n_bad} value{'s' * (n_bad > 1)} that are NaN or infinite",
            expected="finite numbers",
            mend="Find what made them: a figure over NaN would look like a result.",
        )
    return array


def indices_below(name: str, values: ArrayLike, *, n: int, below: int) -> NDArray[np.int64]:
    """`values` as `n` whole numbers from 0 up to, not including, `below`."""
    array = np.asarray(values)
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise EarShotError(
            got=f"{name} of shape {list(array.shape)} and type {array.dtype}",
            expected=f"{n} whole numbers",
            mend=f"Pass one {name} per row of the scores.",
        )
    if array.min() < 0 or array.max() >= below:
        raise EarShotError(
            got=f"{name} between {array.min()} and {array.max()}",
            expected=f"0 to {below - 1}",
            mend="Count from 0, in the order of the scores' columns.",
        )
    return array.astype(np.int64)
