"""The store: one LanceDB table per model, one row per window of sound."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.index import rows as columns
from earshot.index.approximate import near_query, nearest_rows
from earshot.index.connection import (
    PREFIX,
    connect,
    first_line,
    open_table,
    reading_faults,
    table_names,
    writing,
    writing_faults,
)
from earshot.index.contention import write_through
from earshot.index.doubles import drop_doubles
from earshot.index.found_rows import Rows, matrix_of
from earshot.index.place import Root, is_remote, root_of
from earshot.index.rows import FileRows, KnownFile
from earshot.index.settings import IndexSettings
from earshot.index.where import spell_where

if TYPE_CHECKING:
    import pyarrow
    from lancedb.table import Table

T = TypeVar("T")
EXACT_ROWS = 500_000  # up to here all vectors lie in memory; past it LanceDB's own index answers
KNOWN = ("size", "mtime_ns", "content_hash", "tags", "caption")
N_BACKGROUND = 4_096  # rows that stand for the whole of a large index
KEPT_FOR_OTHERS = timedelta(hours=1)  # versions on object storage that others may be reading


class Store:
    """An index on a local folder or object storage, opened for one model."""

    def __init__(self, place: str, table: Table, *, exact_rows: int = EXACT_ROWS) -> None:
        self.place, self.exact_rows = place, exact_rows
        self._table = table
        self.settings = IndexSettings.from_metadata(table.schema.metadata, f"{place}, {table.name}")
        self.version = table.version  # of the commit that is read; see refresh
        self._in_memory: dict[tuple[int, str], Rows] = {}
        self._counted: dict[tuple[int, str], int] = {}  # what every search asks, by version

    @classmethod
    def open(cls, place: str, *, fingerprint: str | None = None, model: str = "") -> Store:
        """The index at `place` as made by the model of `fingerprint`, or by its only model.

        Raises when there is none, when it holds several and none was named, or only another's.
        """
        if fingerprint:
            wanted = open_table(connect(place), f"{PREFIX}{fingerprint}", place)
            if wanted is not None:
                return cls(place, wanted)
        held = cls.open_all(place)
        if not held:
            raise EarShotError(
                got=f"{place}, which holds no index",
                expected="a folder that `earshot index` wrote",
                mend="Run: earshot index DIR",
            )
        if not fingerprint and len(held) == 1:
            return held[0]
        about = [store.settings for store in held]
        made = ", ".join(f"{each.model} ({each.fingerprint})" for each in about)
        if not fingerprint:
            raise EarShotError(
                got=f"{place}, which holds indexes of {len(about)} models: {made}",
                expected="to be told which of them to use",
                mend=f"Name one, such as --model {about[0].model}.",
            )
        raise EarShotError(
            got=f"a search with model {model or 'of another kind'} ({fingerprint})",
            expected=f"the model that made the index: {made}",
            mend=f"Search with --model {about[0].model}, or index the folder again with this one.",
        )

    @classmethod
    def open_all(cls, place: str) -> list[Store]:
        """The index at `place` once for every model that made one there, by fingerprint."""
        connection = connect(place)
        tables = [open_table(connection, name, place) for name in table_names(connection, place)]
        return [cls(place, table) for table in tables if table is not None]

    @classmethod
    def create(cls, place: str, settings: IndexSettings) -> Store:
        """The index at `place` for this model, made if it is not there yet."""
        connection = connect(place)
        name = f"{PREFIX}{settings.fingerprint}"
        table = open_table(connection, name, place)
        if table is None:
            shape = columns.schema(settings.dim, settings.to_metadata())
            with writing_faults(place):
                table = connection.create_table(name, schema=shape, exist_ok=True)
        store = cls(place, table)
        if store.settings.root != settings.root:
            raise EarShotError(
                got=f"{settings.root} for the index at {place}",
                expected=f"the folder it was made for, {store.settings.root}",
                mend="Give each folder its own --index, or index a folder above both.",
            )
        store._mend_words()
        return store

    @property
    def root(self) -> Root:
        """The folder that paths are relative to, or its URL."""
        return root_of(self.place, self.settings.root)

    @property
    def n_rows(self) -> int:
        """Windows in the index."""
        return self._count("rows", self._table.count_rows)

    @property
    def n_files(self) -> int:
        """Sounds in the index."""
        return self._count("files", lambda: self._table.count_rows("window = 0"))

    def writing(self) -> AbstractContextManager[None]:
        """Be the only writer; on object storage, which has no locks, this promises nothing."""
        return writing(self.place)

    # -- writing ---------------------------------------------------------------------------------

    def known(self) -> dict[str, KnownFile]:
        """Size, time and hash of every file in the index, by path."""
        names = ["path", "path_bytes", *KNOWN]
        with reading_faults(self.place):
            query = self._table.search().where("window = 0").select(names).limit(None)
            found = query.to_arrow()
        return {
            columns.true_path(row["path"], row["path_bytes"]): _known(row)
            for batch in found.to_batches(max_chunksize=10_000)
            for row in batch.to_pylist()
        }

    def put(self, files: Sequence[FileRows], *, replace: bool) -> None:
        """Write `files` in one commit: all their windows are there, or none.

        replace: some of them may be there already; the same commit takes their old rows away.
        """
        if not files:
            return
        new = columns.to_arrow(files, self._table.schema, self.settings.fingerprint)
        self._forget()
        if not replace and not is_remote(self.place):  # where others may write, they may be there
            self._write(lambda: self._table.add(new))
            return
        old = " OR ".join(f"({one})" for one in columns.id_filters(each.path for each in files))
        self._write(
            lambda: (
                self._table.merge_insert(["file_id", "window"])
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .when_not_matched_by_source_delete(old)
                .execute(new)
            )
        )

    def remove(self, paths: Iterable[str]) -> None:
        """Take files out of the index."""
        self._forget()
        for condition in columns.id_filters(paths):
            self._write(partial(self._table.delete, condition))

    def rows_of(self, path: str) -> FileRows | None:
        """What the index holds of one file."""
        where = f"file_id = '{columns.file_id(path)}'"
        with reading_faults(self.place):
            found = self._table.search().where(where).limit(None).to_arrow().sort_by("window")
        if not found.num_rows:
            return None
        first = found.slice(0, 1).to_pylist()[0]
        return FileRows(
            path=path,
            known=_known(first),
            duration_s=first["duration_s"],
            start_s=found["start_s"].to_numpy(),
            end_s=found["end_s"].to_numpy(),
            vectors=matrix_of(found),
        )

    def stream(self, batch_rows: int) -> pyarrow.RecordBatchReader:
        """Every row with all columns, a batch at a time."""
        names = self._table.schema.names
        query = self._table.search().select(names).limit(None)
        return self._read(lambda: query.to_batches(batch_size=batch_rows))

    def fill(self, rows: pyarrow.RecordBatchReader) -> None:
        """Put rows of `stream` into an empty index in one commit: all are there, or none."""
        self._forget()
        with writing_faults(self.place):
            self._table.add(rows)
        self._forget()

    def compact(self) -> None:
        """Merge what many commits left behind, bring the indexes up to date, free the disk.

        On object storage other writers may be at work: what two of them put in twice is taken out
        once, and the last hour's versions are left to those who read them.
        """
        self._forget()
        remote = is_remote(self.place)
        if remote:
            drop_doubles(self._table, self.refresh, self._write)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that older readers fail: they read what is in memory
            if self.n_rows > self.exact_rows and not self._has_index("vector"):
                from lancedb.index import IvfRq

                index = IvfRq(distance_type="cosine")
                self._write(lambda: self._table.create_index("vector", config=index))
            older = KEPT_FOR_OTHERS if remote else timedelta(0)
            self._write(
                lambda: self._table.optimize(
                    cleanup_older_than=older, delete_unverified=not remote
                ),
                may_fail=True,  # where others compact all the time
            )
        self._forget()

    def _write(self, write: Callable[[], object], *, may_fail: bool = False) -> None:
        """Do `write`, again where another writer came before it; with may_fail at last not."""
        write_through(write, self.place, self.refresh, may_fail=may_fail)

    # -- reading ---------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Rows, files, fragments, megabytes, and when it last changed (ISO 8601, local time)."""
        facts: Any = self._table.stats()  # annotated as a dataclass, but a dict
        facts = facts if isinstance(facts, dict) else asdict(facts)
        changed = self._table.list_versions()[-1]["timestamp"].astimezone()
        return {
            "model": self.settings.model,
            "fingerprint": self.settings.fingerprint,
            "files": self.n_files,
            "windows": self.n_rows,
            "fragments": facts["fragment_stats"]["num_fragments"],
            "megabytes": round(facts["total_bytes"] / 1e6, 3),
            "exact": self.is_exact,
            "last_change": changed.isoformat(timespec="seconds"),
        }

    @property
    def is_exact(self) -> bool:
        """True when every window is compared, False when the approximate index answers."""
        return self.n_rows <= self.exact_rows or not self._has_index("vector")

    def refresh(self) -> None:
        """See what other processes have written since this index was opened."""
        self._table.checkout_latest()  # type: ignore[no-untyped-call]
        latest = self._table.version
        if latest != self.version:
            self.version = latest
            self._forget()

    def all_rows(self, where: str | None = None) -> Rows:
        """Every row that `where` lets through, in memory; kept for the next call."""
        key = (self.version, where or "")  # rows read while another thread refreshes stay apart
        rows = self._in_memory.get(key)
        if rows is None:
            rows = self._rows(lambda: self._query(None, where).limit(None), where)
            if len(self._in_memory) > 4:
                self._in_memory.clear()
            self._in_memory[key] = rows
        return rows

    def nearest(
        self,
        vector: NDArray[np.float32],
        k: int,
        where: str | None = None,
        *,
        one_a_file: bool = False,
    ) -> Rows:
        """About the nearest rows by cosine: at least `k`, or of at least `k` files.

        Through the approximate index, and with the columns of a hit alone.
        """

        def places(n: int) -> list[int]:
            query = partial(self._query, vector, where)
            found = self._selected(lambda: near_query(query(), n), where, ["_distance"])
            return [int(each) for each in found["_rowid"].to_numpy()]

        def read(numbers: list[int]) -> Rows:
            names = [*columns.OF_HITS, "vector"]
            found = self._selected(lambda: self._table.take_row_ids(numbers), None, names)
            return Rows.of(columns.of_hits(found))

        return nearest_rows(places, read, k, one_a_file=one_a_file)

    def background(self) -> Rows:
        """Rows of files drawn evenly from a large index: a file's id is a hash, so random."""
        digits, expected = 0, self.n_rows
        while expected > 4 * N_BACKGROUND and digits < 4:
            digits, expected = digits + 1, expected // 16
        return self.all_rows(f"file_id LIKE '{'0' * digits}%'")

    def rows_of_files(self, ids: Sequence[str], where: str | None = None) -> Rows:
        """All rows of the files with these ids."""
        quoted = ", ".join(f"'{each}'" for each in ids)
        both = f"file_id IN ({quoted})" + (f" AND ({where})" if where else "")
        return self._rows(lambda: self._query(None, both).limit(None), where)

    def matching_words(self, words: Sequence[str], limit: int) -> dict[str, str]:
        """The words of the files that have one of `words`, by file id, best match first."""
        if not words:
            return {}

        with reading_faults(self.place):
            found = self._read(lambda: self._with_words(words, limit))
        return dict(zip(found["file_id"].to_pylist(), found["words"].to_pylist(), strict=True))

    def _with_words(self, words: Sequence[str], limit: int) -> pyarrow.Table:
        query = self._table.search(" ".join(words), query_type="fts").limit(limit)
        return query.select(["file_id", "words", "_score"]).to_arrow()

    def _mend_words(self) -> None:
        """Make the full-text index where there is none yet, or none that can be read."""
        from lancedb.index import FTS

        try:
            self._with_words(["sound"], 1)
        except (OSError, RuntimeError, ValueError):
            self._write(lambda: self._table.create_index("words", config=FTS(), replace=True))

    def _query(self, vector: NDArray[np.float32] | None, where: str | None) -> Any:
        query = self._table.search(vector)
        return query.where(spell_where(where)) if where else query

    def _rows(
        self, query: Callable[[], Any], where: str | None, names: Sequence[str] = columns.ABOUT
    ) -> Rows:
        found = self._selected(query, where, [*names, "vector"])
        return Rows.of(found)

    def _selected(
        self, query: Callable[[], Any], where: str | None, names: Sequence[str]
    ) -> pyarrow.Table:
        """The columns `names` of what a query finds; a filter that cannot be run is a sentence."""
        with reading_faults(self.place):
            try:
                return self._read(lambda: query().select(list(names)).to_arrow())
            except (RuntimeError, ValueError) as fault:
                if not where:
                    raise
                raise EarShotError(
                    got=f"a filter that cannot be run: {first_line(fault)}",
                    expected=f"a condition on {', '.join(columns.ABOUT)}",
                    mend="Write it as --where \"duration_s > 3 AND folder = 'dogs'\".",
                ) from fault

    def _read(self, read: Callable[[], T]) -> T:
        """What `read` gives; once more when a writer has just compacted its rows away."""
        try:
            return read()
        except (OSError, RuntimeError):
            self.refresh()
            return read()

    def _has_index(self, column: str) -> bool:
        def look() -> int:
            return sum(column in each.columns for each in self._table.list_indices())

        return self._count(f"indexes of {column}", look) > 0

    def _count(self, what: str, count: Callable[[], int]) -> int:
        key = (self.version, what)
        if key not in self._counted:
            self._counted[key] = count()
        return self._counted[key]

    def _forget(self) -> None:
        """What was read before a write or another's write is read anew."""
        self._in_memory.clear()
        self._counted.clear()


def _known(row: dict[str, Any]) -> KnownFile:
    return KnownFile(**{name: row[name] for name in KNOWN} | {"tags": tuple(row["tags"])})
