"""Writing where no lock keeps two writers apart: whoever comes second writes again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from earshot.index.connection import writing_faults
from earshot.index.place import is_remote

WAITS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)  # before another try where two write at once


def write_through(
    write: Callable[[], object],
    place: str,
    refresh: Callable[[], None],
    *,
    may_fail: bool = False,
) -> None:
    """Do `write`; on object storage again, upon what is there by then (`refresh`), when another
    writer came before it, and at last, with may_fail, not at all.

    Raises EarShotError when the place cannot be written.
    """
    remote = is_remote(place)
    with writing_faults(place):
        for wait_s in WAITS_S if remote else ():
            try:
                write()
            except (OSError, RuntimeError) as fault:
                if not is_conflict(fault):
                    raise
                time.sleep(wait_s * (1 + random.random()))
                refresh()
            else:
                return
        if not (may_fail and remote):
            write()


def is_conflict(fault: Exception) -> bool:
    """True when another writer's commit came before this one, which may be tried again."""
    return "conflict" in str(fault).lower()
