"""The approximate index asked well: for places first, then for whole rows of the few wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow

N_PROBES = 48  # cells looked into, of about one for every 4,096 rows
N_REFINED = 200  # candidates measured exactly, however few are wanted
N_ASKED = 4  # places asked for each row wanted, and that many times more while files are few
MAX_WINDOWS = 64  # of one file among the nearest, past which fewer files than wanted come back


def near_query(search: Any, n: int) -> Any:
    """A table's search by vector, set up to give about the `n` nearest rows with their numbers."""
    near = search.distance_type("cosine").nprobes(N_PROBES)
    return near.refine_factor(max(1, N_REFINED // n)).limit(n).with_row_id(True)


def nearest_numbers(
    places: Callable[[int], pyarrow.Table], k: int, *, one_a_file: bool
) -> list[int]:
    """Numbers of the `k` nearest rows, or of the nearest row of each of `k` files.

    `places(n)` gives _rowid and file_id of about the n nearest rows, nearest first. More are asked
    for while long sounds take the places of others.
    """
    n_asked, most = N_ASKED * k, N_ASKED * k * (MAX_WINDOWS if one_a_file else 1)
    while True:
        found = places(n_asked)
        numbers = found["_rowid"].to_numpy()
        if one_a_file:
            ids = found["file_id"].to_numpy(zero_copy_only=False)
            numbers = numbers[np.sort(np.unique(ids, return_index=True)[1])]
        if len(numbers) >= k or len(found) < n_asked or n_asked >= most:
            return [int(each) for each in numbers[:k]]
        n_asked *= N_ASKED
