"""Vectors on disk, .npz or .parquet: written in parts as they come, made one file at the end."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.jobs.file_facts import Facts, facts_of

if TYPE_CHECKING:
    import pyarrow

    from earshot.jobs.embed import Embedding
    from earshot.models.embedder import Embedder
    from earshot.models.frame_reader import FrameReader

SUFFIXES = (".npz", ".parquet")
PART_ROWS, PART_S = 4_096, 20.0  # a part is written after so many vectors, or so long
BATCH_ROWS = 4_096  # read at once when parts become one file


def check_out(out: Path) -> None:
    """Refuse a file to write that is neither .npz nor .parquet, before any work is done."""
    if out.suffix not in SUFFIXES:
        raise EarShotError(
            got=f"--out {out}",
            expected=f"a name that ends in {' or '.join(SUFFIXES)}",
            mend="Write --out vectors.npz, or vectors.parquet.",
        )


class VectorFile:
    """The vectors of one job; what is there already, whole or in parts, is not done again.

    Columns: path, start_s, end_s, size, mtime_ns, vector; model, fingerprint and per_window beside
    them (.npz) or in the metadata (.parquet). Bytes of a path that are not UTF-8 become \\xNN.
    Parts lie in OUT.parts until `finish`; a sound's windows are in one part, so a kill leaves whole
    sounds. Raises when `out` holds vectors of another model.
    """

    def __init__(self, out: Path, model: Embedder | FrameReader, *, per_window: bool) -> None:
        check_out(out)
        self.out, self.parts = out, out.with_name(out.name + ".parts")
        self.dim = model.dim
        self.about = {
            "model": model.name,
            "fingerprint": model.fingerprint,
            "per_window": str(per_window).lower(),
        }
        self._held = [_Held(path) for path in self._paths() if _is_ours(path)]
        for held in self._held:
            self._require_same(held)
        self._facts: dict[str, Facts] = {}  # of the files to be done, as they were before
        self._place = {  # of each sound, the last one that holds it, and its facts
            name: (i, facts) for i, held in enumerate(self._held) for name, facts in held.sounds
        }
        self._waiting: list[Embedding] = []
        self._last_part = time.monotonic()

    def has(self, path: Path | str) -> bool:
        """True when the sound's vectors are there and the file is as it was then."""
        name = _shown(path)
        self._facts[name] = facts_of(path)
        known = self._place.get(name)
        return known is not None and known[1] == self._facts[name]

    def add(self, row: Embedding) -> None:
        """Keep a vector; the windows of one sound follow each other."""
        is_new = not self._waiting or self._waiting[-1].path != row.path
        is_late = time.monotonic() - self._last_part > PART_S
        if is_new and (len(self._waiting) >= PART_ROWS or is_late):
            self.keep()
        self._waiting.append(row)

    def keep(self, *, without_last: bool = False) -> None:
        """Write what waits as a part; without the last sound where it may lack windows."""
        rows, self._waiting, self._last_part = self._waiting, [], time.monotonic()
        if rows and without_last:
            rows = [row for row in rows if row.path != rows[-1].path]
        if not rows:
            return
        names = [_shown(row.path) for row in rows]
        facts = {name: self._facts.get(name) or facts_of(name) for name in names}
        numbers = [int(path.stem) for path in self.parts.glob("*.parquet")]
        path = self.parts / f"{max(numbers, default=0) + 1:06d}.parquet"
        table = _table(rows, names, facts, self.dim).replace_schema_metadata(self.about)
        with replacing(path) as part:
            import pyarrow.parquet as parquet

            parquet.write_table(table, part)
        for name in names:
            self._place[name] = (len(self._held), facts[name])
        self._held.append(_Held(path))

    def finish(self) -> int:
        """Make one file of all parts, whole or not at all; how many vectors it holds."""
        self.keep()
        n_rows = sum(batch.num_rows for batch in self._batches(["path"]))
        if [held.path for held in self._held] == [self.out]:
            return n_rows  # nothing came to it
        with replacing(self.out) as part:
            write = _write_npz if self.out.suffix == ".npz" else _write_parquet
            write(part, self, n_rows)
        self._held = []
        shutil.rmtree(self.parts, ignore_errors=True)  # of parts left behind the last ones count
        return n_rows

    def _paths(self) -> Iterator[Path]:
        if self.out.is_file():
            yield self.out
        yield from sorted(self.parts.glob("*.parquet"))

    def _require_same(self, held: _Held) -> None:
        if held.about != self.about:
            made = held.about.get("model"), held.about.get("fingerprint")
            raise EarShotError(
                got=f"{held.path} with vectors of {made[0]} ({made[1]}), or of another kind",
                expected=f"those of {self.about['model']} ({self.about['fingerprint']}), "
                f"per_window={self.about['per_window']}",
                mend="Name another --out, or take that file away.",
            )

    def _batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """All rows that count, of each sound those written last."""
        import pyarrow as pa

        for i, held in enumerate(self._held):
            for batch in held.batches(["path", *(c for c in columns if c != "path")]):
                keep = [self._place[name][0] == i for name in batch["path"].to_pylist()]
                yield batch.filter(pa.array(keep, pa.bool_())).select(list(columns))


@dataclass(frozen=True)
class _Held:
    """A file of vectors that is there."""

    path: Path

    @cached_property
    def about(self) -> dict[str, str]:
        if self.path.suffix == ".npz":
            with np.load(self.path) as stored:
                return {name: str(stored[name]) for name in ("model", "fingerprint", "per_window")}
        import pyarrow.parquet as parquet

        found = parquet.read_schema(self.path).metadata
        return {n: found[n.encode()].decode() for n in ("model", "fingerprint", "per_window")}

    @property
    def sounds(self) -> Iterator[tuple[str, Facts]]:
        """Every row's sound."""
        for batch in self.batches(["path", "size", "mtime_ns"]):
            columns = [batch[name].to_pylist() for name in ("path", "size", "mtime_ns")]
            for name, size, mtime_ns in zip(*columns, strict=True):
                yield name, (size, mtime_ns)

    def batches(self, columns: Sequence[str]) -> Iterator[pyarrow.Table]:
        """Rows of some columns; an .npz comes into memory column by column."""
        import pyarrow as pa
        import pyarrow.parquet as parquet

        if self.path.suffix == ".parquet":
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
                    yield pa.Table.from_batches([batch])
            return
        with np.load(self.path) as stored:
            arrays = {name: stored[name] for name in columns}
        for start in range(0, len(arrays["path"]), BATCH_ROWS):
            some = {name: array[start : start + BATCH_ROWS] for name, array in arrays.items()}
            yield pa.table({name: _column(array) for name, array in some.items()})


def _is_ours(path: Path) -> bool:
    """True for a file of this layout; any other that is called so is replaced at the end."""
    try:
        return bool(_Held(path).about)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return False


def _table(
    rows: Sequence[Embedding], names: Sequence[str], facts: dict[str, Facts], dim: int
) -> pyarrow.Table:
    import pyarrow as pa

    vectors = np.array([row.vector for row in rows], np.float32).reshape(-1, dim)
    return pa.table(
        {
            "path": pa.array(names, pa.string()),
            "start_s": pa.array([row.start_s for row in rows], pa.float64()),
            "end_s": pa.array([row.end_s for row in rows], pa.float64()),
            "size": pa.array([facts[name][0] for name in names], pa.int64()),
            "mtime_ns": pa.array([facts[name][1] for name in names], pa.int64()),
            "vector": _column(vectors),
        }
    )


def _column(array: NDArray[Any]) -> Any:
    """An array as an Arrow column, a vector a row."""
    import pyarrow as pa

    if array.ndim == 1:
        return pa.array(array.tolist() if array.dtype.kind == "U" else array)
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])


def _write_parquet(part: Path, file: VectorFile, n_rows: int) -> None:
    import pyarrow.parquet as parquet

    empty = _table([], [], {}, file.dim).replace_schema_metadata(file.about)
    with parquet.ParquetWriter(part, empty.schema) as writer:
        for batch in file._batches(empty.schema.names):
            writer.write_table(batch.replace_schema_metadata(file.about).cast(empty.schema))


def _write_npz(part: Path, file: VectorFile, n_rows: int) -> None:
    """As np.savez does, but the vectors go by without lying in memory."""
    columns: dict[str, NDArray[Any]] = {
        name: np.array(
            [value for batch in file._batches([name]) for value in batch[name].to_pylist()]
        )
        for name in ("path", "start_s", "end_s", "size", "mtime_ns")
    }
    kinds = {"path": str, "start_s": np.float64, "end_s": np.float64}
    arrays = {n: a.astype(kinds.get(n, np.int64)) for n, a in columns.items()}
    arrays |= {name: np.array(value) for name, value in file.about.items()}
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, file.dim)}
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
        with archive.open("vector.npy", "w", force_zip64=True) as entry:
            np.lib.format.write_array_header_1_0(entry, header)
            for batch in file._batches(["vector"]):
                flat = batch["vector"].combine_chunks().flatten().to_numpy()
                entry.write(flat.astype("<f4").tobytes())


def _shown(path: Path | str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
