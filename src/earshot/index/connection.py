"""Reaching the tables of an index: what is there, what is debris, and faults as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.core.lock import one_writer
from earshot.index.place import is_remote

if TYPE_CHECKING:
    from lancedb.db import DBConnection
    from lancedb.table import Table

PREFIX = "sounds-"


def connect(place: str) -> DBConnection:
    """The database at `place`; a local folder is made where there is none."""
    import lancedb

    with writing_faults(place):
        if not is_remote(place):
            Path(place).mkdir(parents=True, exist_ok=True)
        return lancedb.connect(place)


def table_names(connection: DBConnection, place: str) -> list[str]:
    """The names of EarShot's tables, sorted; debris of a killed process may be among them."""
    names: list[str] = []
    token = None
    while True:
        try:
            page = connection.list_tables(page_token=token)
        except ValueError as fault:  # a bucket that is not there, or may not be read
            raise _cannot_be_used(place, fault) from fault
        names += page.tables
        token = page.page_token
        if not token:
            return sorted(name for name in names if name.startswith(PREFIX))


def open_table(connection: DBConnection, name: str, place: str) -> Table | None:
    """The table of that name; None where there is none, or a kill left files but no table.

    Raises EarShotError when its files are damaged.
    """
    with reading_faults(place):
        try:
            return connection.open_table(name)
        except ValueError as fault:
            if "not found" not in str(fault):  # other faults must never look like an empty place
                raise
            return None


def writing(place: str) -> AbstractContextManager[None]:
    """Be the only writer; on object storage, which has no locks, this promises nothing."""
    return nullcontext() if is_remote(place) else one_writer(Path(place))


@contextmanager
def writing_faults(place: str) -> Iterator[None]:
    """What the store cannot write becomes a sentence."""
    try:
        yield
    except (OSError, RuntimeError) as fault:
        raise _cannot_be_used(place, fault) from fault


@contextmanager
def reading_faults(place: str) -> Iterator[None]:
    """What the store cannot read back becomes a sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as fault:
        raise EarShotError(
            got=f"the index at {place}, which is damaged: {first_line(fault)}",
            expected="an index as `earshot index` left it",
            mend="Run `earshot index` again; if this stays, remove that folder first.",
        ) from fault


def first_line(fault: Exception) -> str:
    """The fault's own words, on one line, without the places in the store's sources."""
    line = re.sub(r"\s+", " ", str(fault).strip().partition("\n")[0])
    return re.sub(r", /\S+\.rs:\d+:\d+$", "", line)[:300]


def _cannot_be_used(place: str, fault: Exception) -> EarShotError:
    return EarShotError(
        got=f"the index at {place}: {first_line(fault)}",
        expected="a place that can be read, written and has room",
        mend="Free some disk or name another --index; what was finished is kept, run it again.",
    )
