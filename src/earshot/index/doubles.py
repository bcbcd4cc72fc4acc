"""Files that two writers put in at once, where no lock keeps them apart: one copy stays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lancedb.table import Table


LOOKS = 10  # for doubles, while other writers compact
IDS_PER_FILTER = 500


def drop_doubles(
    table: Table,
    refresh: Callable[[], None],
    write: Callable[[Callable[[], object]], None],
) -> None:
    """Leave one copy of what two writers put in at once.

    Ids that another writer's compaction changed meanwhile match nothing: look once more, upon what
    is there by then (`refresh`).
    """
    for _ in range(LOOKS):
        refresh()
        ids = double_rows(table)
        if not ids:
            return
        for start in range(0, len(ids), IDS_PER_FILTER):
            some = ", ".join(map(str, ids[start : start + IDS_PER_FILTER]))
            write(partial(table.delete, f"_rowid IN ({some})"))


def double_rows(table: Table) -> list[int]:
    """Ids of the rows to delete, so that every window of every file is there once.

    Ids grow with time. Of a file that is there twice the newest bytes stay, and of each of its
    windows the newest row.
    """
    import pyarrow.compute as pc

    query = table.search().select(["file_id", "window", "content_hash"])
    rows = query.with_row_id(True).limit(None).to_arrow()
    counts = rows.group_by(["file_id", "window"]).aggregate([([], "count_all")])
    doubled = counts.filter(pc.greater(counts["count_all"], 1))["file_id"].unique()
    newest: dict[str, dict[str, Any]] = {}
    of_doubled = rows.filter(pc.is_in(rows["file_id"], doubled)).sort_by("_rowid").to_pylist()
    for row in of_doubled:
        newest[row["file_id"]] = row
    kept: dict[tuple[str, int], int] = {}
    for row in of_doubled:
        if row["content_hash"] == newest[row["file_id"]]["content_hash"]:
            kept[row["file_id"], row["window"]] = row["_rowid"]
    stay = set(kept.values())
    return [row["_rowid"] for row in of_doubled if row["_rowid"] not in stay]
