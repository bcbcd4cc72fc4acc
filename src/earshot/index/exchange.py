"""An index as one Parquet file: vectors, metadata and settings, to carry to another machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.index import rows as columns
from earshot.index.connection import writing
from earshot.index.place import Root, absolute, root_word
from earshot.index.settings import IndexSettings
from earshot.index.store import Store

if TYPE_CHECKING:
    import pyarrow

BATCH_ROWS = 4_096  # held in memory at once, on the way out and on the way in
UNIT = 1e-3  # how far from 1 the length of a vector may lie


def export_parquet(store: Store, out: Path) -> int:
    """Write all rows of the index to `out`, whole or not at all; how many there are.

    The schema's metadata holds the settings (model, fingerprint, windowing, root), so that the
    file can be searched wherever it is imported. Memory stays bounded.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    settings = replace(store.settings, root=absolute(store.root))
    shape = columns.schema(settings.dim, settings.to_metadata())
    n_rows = 0
    with replacing(out) as part, parquet.ParquetWriter(part, shape, compression="zstd") as writer:
        for batch in store.stream(BATCH_ROWS):
            arrays = [batch.column(name) for name in shape.names]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=shape))
            n_rows += batch.num_rows
    return n_rows


def read_settings(source: Path) -> IndexSettings:
    """What an exported file was made with. Raises when `source` is no such file."""
    return _settings_of(_open(source), source)


def import_parquet(source: Path, place: str, *, root: Root | None = None) -> Store:
    """Make an index at `place` of an exported file, in one commit; memory stays bounded.

    root: where the sounds lie on this machine; where they lay on the other one if left out. Every
    row is checked on the way in. Raises when the place holds this model's sounds already, and
    when the file is not what `export_parquet` writes.
    """
    import pyarrow as pa

    file = _open(source)
    settings = _settings_of(file, source)
    if root is not None:
        settings = replace(settings, root=root_word(root, place))
    shape = columns.schema(settings.dim, settings.to_metadata())
    if not file.schema_arrow.equals(shape):
        raise EarShotError(
            got=f"{source} with columns {', '.join(file.schema_arrow.names)}",
            expected=f"{', '.join(shape.names)}, as they were exported",
            mend="Export it again: earshot store export OUT.parquet.",
        )
    with writing(place):
        store = Store.create(place, settings)
        if store.n_rows:
            raise EarShotError(
                got=f"{place}, which holds {store.n_files} sounds of this model already",
                expected="a place that holds none",
                mend="Name another --index.",
            )
        checked: list[EarShotError] = []
        batches = _checked(file, source, shape, checked)
        try:
            store.fill(pa.RecordBatchReader.from_batches(shape, batches))
        except EarShotError as fault:
            raise (checked[0] if checked else fault) from fault
        store.compact()
    return store


def _open(source: Path) -> pyarrow.parquet.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return parquet.ParquetFile(source)
    except (OSError, pa.ArrowException) as fault:
        raise EarShotError(
            got=f"{source}: {getattr(fault, 'strerror', None) or str(fault).splitlines()[0]}",
            expected="a Parquet file that `earshot store export` wrote",
            mend="Correct the path, or export it again.",
        ) from fault


def _settings_of(file: pyarrow.parquet.ParquetFile, source: Path) -> IndexSettings:
    return IndexSettings.from_metadata(file.schema_arrow.metadata, str(source))


def _checked(
    file: pyarrow.parquet.ParquetFile,
    source: Path,
    shape: pyarrow.Schema,
    faults: list[EarShotError],
) -> Iterator[pyarrow.RecordBatch]:
    """The file's batches; a row that cannot be ours is kept in `faults` and ends the reading."""
    import pyarrow as pa

    n_before = 0
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=shape.names):
            if fault := _fault_in(batch):
                row, what, expected = fault
                raise EarShotError(
                    got=f"{source}, row {n_before + row + 1}: {what}",
                    expected=expected,
                    mend="Export it again from the index: earshot store export OUT.parquet.",
                )
            n_before += batch.num_rows
            yield pa.RecordBatch.from_arrays(
                [batch.column(name) for name in shape.names], schema=shape
            )
    except (EarShotError, OSError, pa.ArrowException) as fault:
        if not isinstance(fault, EarShotError):
            fault = EarShotError(
                got=f"{source}: {str(fault).splitlines()[0]}",
                expected="a whole Parquet file",
                mend="Copy it again; this one is damaged.",
            )
        faults.append(fault)
        raise fault from None


def _fault_in(batch: pyarrow.RecordBatch) -> tuple[int, str, str] | None:
    """The first row that cannot be of an index: its number, what is wrong, what is expected."""
    flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(batch.num_rows, -1).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= UNIT))  # also those that are not a number
    if len(wrong):
        row = int(wrong[0])
        return row, f"a vector of length {lengths[row]:g}", "vectors of length 1"
    about = zip(
        *(batch.column(name).to_pylist() for name in ("file_id", "path", "path_bytes")), strict=True
    )
    for row, (its_id, text, raw) in enumerate(about):
        path = columns.true_path(text or "", raw)
        if not _stays_inside(path):
            return row, f"the path {text!r}", "a path inside the folder of the sounds"
        if its_id != columns.file_id(path) or text != columns.shown(path):
            return row, f"the id {its_id!r} for {text!r}", columns.file_id(path)
    return None


def _stays_inside(path: str) -> bool:
    """True for a relative path that never climbs out of its folder."""
    for kind in (PurePosixPath(path), PurePath(path)):
        if kind.is_absolute() or kind.drive or ".." in kind.parts:
            return False
    return bool(path)
