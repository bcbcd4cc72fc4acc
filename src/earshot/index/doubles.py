"""Files that two writers put in at once, where no lock keeps them apart: one copy stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lancedb.table import Table


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
