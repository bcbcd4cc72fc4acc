"""The Parquet parts of a factory's folder: filled from its ledger, compacted, mended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.errors import EarShotError
from earshot.core.files import remove_parts, write_text
from earshot.factories.parts import part_rows, table_of, write_part

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST, FORMAT = "parts.json", 1
FOLDERS = ("data", "rejects")  # by a clip's state: accepted, rejected


class PartStore:
    """Moves rows that wait in a ledger into parts.

    A part counts once the ledger's transaction names it; `parts.json`, written after that, is for
    readers. What a kill leaves over is removed by `mend`.
    """

    def __init__(self, base: sqlite3.Connection, out: Path, rows_per_part: int) -> None:
        self.out, self.rows_per_part = out, rows_per_part
        self.n_lost = 0  # rows of parts that were lost or damaged
        self._base = base
        self._n_waiting = [0] * len(FOLDERS)

    def grow(self, states: Sequence[int]) -> None:
        """Rows of these states wait now; whole parts are written of them."""
        for state in range(len(FOLDERS)):
            self._n_waiting[state] += states.count(state)
            n = self._n_waiting[state]
            if n >= self.rows_per_part:
                self._move(state, at_most=n - n % self.rows_per_part)

    def compact(self) -> None:
        """Move all that waits, and write parts anew that hold old rows, or are not full."""
        for state in range(len(FOLDERS)):
            found = self._base.execute(
                "SELECT part, stale FROM parts WHERE state = ? AND (stale > 0 OR n < ?)",
                (state, self.rows_per_part),
            ).fetchall()
            if self._n_waiting[state] or len(found) > 1 or any(stale for _, stale in found):
                self._move(state, [part for part, _ in found])

    def mend(self) -> None:
        """After a kill: parts that do not count go, clips of parts that are lost are to be done."""
        found = self._base.execute("SELECT state, part, n FROM parts").fetchall()
        good = {self._file(s, part) for s, part, n in found if _is_whole(self._file(s, part), n)}
        lost = [(part,) for s, part, _ in found if self._file(s, part) not in good]
        with self._base:
            self._base.executemany("DELETE FROM clips WHERE part = ?", lost)
            self._base.executemany("DELETE FROM parts WHERE part = ?", lost)
            self._base.execute("DELETE FROM reasons WHERE id NOT IN (SELECT id FROM clips)")
        self.n_lost = sum(n for s, part, n in found if self._file(s, part) not in good)
        remove_parts(self.out)
        for folder in FOLDERS:
            remove_parts(self.out / folder)
            for path in (self.out / folder).glob("part-*.parquet"):
                if path not in good:
                    path.unlink()
        self._write_manifest()
        for state, n in self._base.execute("SELECT state, count(*) FROM waiting GROUP BY state"):
            if state < len(FOLDERS):
                self._n_waiting[state] = n

    def _move(self, state: int, old: Sequence[int] = (), at_most: int = -1) -> None:
        """Waiting rows of a state, and the living ones of `old` parts, into new parts.

        New files count once the ledger says so; old ones are removed after that.
        """
        import pyarrow as pa

        held, n_held = list[pa.Table](), 0
        with self._base:
            for table in self._tables(state, old, at_most):
                held.append(table)
                n_held += len(table)
                while n_held >= self.rows_per_part:
                    whole = pa.concat_tables(held)
                    self._add_part(state, whole.slice(0, self.rows_per_part))
                    held = [whole.slice(self.rows_per_part)]
                    n_held = len(held[0])
            if n_held:
                self._add_part(state, pa.concat_tables(held))
            self._base.executemany("DELETE FROM parts WHERE part = ?", [(part,) for part in old])
            chosen = "SELECT id FROM waiting WHERE state = ? ORDER BY rowid LIMIT ?"
            self._base.execute(f"DELETE FROM waiting WHERE id IN ({chosen})", (state, at_most))
        self._n_waiting[state] -= at_most if at_most > 0 else self._n_waiting[state]
        self._write_manifest()
        for part in old:
            self._file(state, part).unlink(missing_ok=True)

    def _tables(self, state: int, old: Sequence[int], at_most: int) -> Iterator[pa.Table]:
        """What `_move` moves, a part's worth at a time."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        for part in old:
            living = self._base.execute("SELECT id FROM clips WHERE part = ?", (part,))
            ids = pa.array([id for (id,) in living], pa.string())
            table = pq.read_table(self._file(state, part))
            yield table.filter(pc.is_in(table["id"], ids))
        chosen = self._base.execute(
            "SELECT row FROM waiting WHERE state = ? ORDER BY rowid LIMIT ?", (state, at_most)
        )
        while some := chosen.fetchmany(self.rows_per_part):
            yield table_of([json.loads(row) for (row,) in some])

    def _add_part(self, state: int, table: pa.Table) -> None:
        made = self._base.execute("INSERT INTO parts (state, n) VALUES (?, ?)", (state, len(table)))
        part = int(made.lastrowid or 0)
        write_part(self._file(state, part), table)
        ids = table["id"].to_pylist()
        self._base.executemany("UPDATE clips SET part = ? WHERE id = ?", [(part, id) for id in ids])

    def _file(self, state: int, part: int) -> Path:
        return self.out / FOLDERS[state] / f"part-{part:06d}.parquet"

    def _write_manifest(self) -> None:
        found = self._base.execute("SELECT state, part FROM parts ORDER BY part").fetchall()
        names = {
            folder: [self._file(s, part).name for s, part in found if s == state]
            for state, folder in enumerate(FOLDERS)
        }
        text = json.dumps({"format": FORMAT, **names}, indent=1) + "\n"
        path = self.out / MANIFEST
        if not path.is_file() or path.read_text("utf-8") != text:
            write_text(path, text)


def rows_in(
    out: Path, folder: str = "data", columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of the parts that count, "data" or "rejects", in bounded memory."""
    for path in parts_in(out, folder):
        yield from part_rows(path, columns)


def parts_in(out: Path, folder: str = "data") -> list[Path]:
    """The parts that count. Raises EarShotError for a folder that is not a factory's."""
    try:
        held = json.loads((out / MANIFEST).read_text("utf-8"))
        return [out / folder / str(name) for name in held[folder]]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise EarShotError(
            got=f"{out} without a readable {MANIFEST}",
            expected="a folder that earshot factory run has filled",
            mend="Name its --out; where a run was killed, run the same again.",
        ) from fault


def _is_whole(path: Path, n: int) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool(pq.read_metadata(path).num_rows == n)
    except (OSError, pa.ArrowException):
        return False
