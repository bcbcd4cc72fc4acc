"""The place that holds an index's tables: reaching it, naming them, saying what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.index.place import is_remote

if TYPE_CHECKING:
    from lancedb.db import DBConnection
    from lancedb.table import Table

PREFIX = "sounds-"  # and the model's fingerprint


def connect(place: str) -> DBConnection:
    """The store at `place`; a local folder is made where it is not there yet."""
    import lancedb

    with faults(place):
        if not is_remote(place):
            Path(place).mkdir(parents=True, exist_ok=True)
        return lancedb.connect(place)


def tables(connection: DBConnection) -> dict[str, Table]:
    """Our tables by name, sorted; one whose making was broken off before it began is no table."""
    names: list[str] = []
    token = None
    while True:
        try:
            page = connection.list_tables(page_token=token)
        except ValueError as fault:  # a bucket that is not there, or may not be read
            raise _cannot_be_used(str(connection.uri), fault) from fault
        names += page.tables
        token = page.page_token
        if not token:
            break
    found = {name: table_of(connection, name) for name in sorted(names) if name.startswith(PREFIX)}
    return {name: table for name, table in found.items() if table is not None}


def table_of(connection: DBConnection, name: str) -> Table | None:
    """The table of that name, if there is a whole one."""
    try:
        return connection.open_table(name)
    except ValueError as fault:
        if "not found" in str(fault):
            return None
        raise


@contextmanager
def faults(place: str) -> Iterator[None]:
    """What the store cannot write or read becomes a sentence."""
    try:
        yield
    except (OSError, RuntimeError) as fault:
        raise _cannot_be_used(place, fault) from fault


def is_conflict(fault: Exception) -> bool:
    """True when another writer's commit came before this one, which may be tried again."""
    return "conflict" in str(fault).lower()


def first_line(fault: Exception) -> str:
    """The beginning of what an error says."""
    return re.sub(r"\s+", " ", str(fault).strip().partition("\n")[0])[:300]


def _cannot_be_used(place: str, fault: Exception) -> EarShotError:
    return EarShotError(
        got=f"the index at {place}: {first_line(fault)}",
        expected="a place that can be read, written and has room",
        mend="Free some disk or name another --index; what was finished is kept, run it again.",
    )
