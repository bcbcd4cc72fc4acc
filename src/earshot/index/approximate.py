"""The approximate index asked well: for places first, then for whole rows of the few wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from earshot.index.found_rows import Rows

N_PROBES = 48  # cells looked into, of about one for every 4,096 rows
REFINED = 3  # candidates measured exactly for each place asked for
LEAST_REFINED = 60  # however few are wanted
N_ASKED = 2  # places asked for each row wanted
N_MORE = 4  # that many times more while long sounds take the places of other files
MAX_WINDOWS = 64  # of one file among the nearest, past which fewer files than wanted come back


def near_query(search: Any, n: int) -> Any:
    """A table's search by vector, set up to give the numbers of about the `n` nearest rows."""
    near = search.distance_type("cosine").nprobes(N_PROBES)
    return near.refine_factor(max(REFINED, LEAST_REFINED // n)).limit(n).with_row_id(True)


def nearest_rows(
    places: Callable[[int], list[int]],
    read: Callable[[list[int]], Rows],
    k: int,
    *,
    one_a_file: bool,
) -> Rows:
    """At least `k` rows, or rows of at least `k` files, where the table has as many.

    `places(n)` gives the numbers of about the n nearest rows; `read` the rows of such numbers.
    """
    n_asked, most = N_ASKED * k, N_ASKED * k * (MAX_WINDOWS if one_a_file else 1)
    while True:
        numbers = places(n_asked)
        rows = read(numbers)
        n_found = rows.n_files if one_a_file else len(numbers)
        if n_found >= k or len(numbers) < n_asked or n_asked >= most:
            return rows
        n_asked *= N_MORE
