"""One row per window of sound: the table's columns, and files as they go in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.shapes import check_shape
from earshot.index.words import words_of

if TYPE_CHECKING:
    import pyarrow

ABOUT_FILE = (
    "file_id",
    "path",
    "path_bytes",
    "folder",
    "duration_s",
    "content_hash",
    "size",
    "mtime_ns",
    "tags",
    "caption",
)
ABOUT_WINDOW = ("window", "start_s", "end_s")
ABOUT = (*ABOUT_FILE, *ABOUT_WINDOW)
IDS_PER_FILTER = 500
SPAN = ("start_s", "end_s", "duration_s")  # once more side by side, to be read at once
OF_HITS = ("path", "path_bytes", "tags", "caption", "span")  # each column read costs up to 3 ms


@dataclass(frozen=True)
class KnownFile:
    """What tells whether a file changed since it was indexed, and what people said of it."""

    size: int  # bytes
    mtime_ns: int
    content_hash: str
    tags: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class FileRows:
    """One sound file as it goes into the store; `path` is relative to the root, "/" between."""

    path: str  # bytes that are not UTF-8 as surrogate escapes, as Python's file functions give them
    known: KnownFile
    duration_s: float
    start_s: NDArray[np.float64]  # [windows]
    end_s: NDArray[np.float64]  # [windows]
    vectors: NDArray[np.float32]  # [windows, dim], unit rows


def file_id(path: str) -> str:
    """16 hex digits that stand for a path in filters: no quoting, whatever the name holds."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def id_filters(paths: Iterable[str]) -> list[str]:
    """Filters that pick the rows of `paths`, a few hundred in each."""
    ids = [f"'{file_id(path)}'" for path in paths]
    starts = range(0, len(ids), IDS_PER_FILTER)
    return [f"file_id IN ({', '.join(ids[i : i + IDS_PER_FILTER])})" for i in starts]


def shown(path: str) -> str:
    """`path` as text that any program can hold: bytes that are not UTF-8 become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def true_path(text: str, raw: bytes | None) -> str:
    """The path as Python's file functions take it, from the two columns that hold it."""
    return text if raw is None else os.fsdecode(raw)


def of_hits(table: pyarrow.Table) -> pyarrow.Table:
    """Rows read with the columns OF_HITS, with those that follow from them."""
    import pyarrow as pa

    texts, raws = table["path"].to_pylist(), table["path_bytes"].to_pylist()
    ids = [file_id(true_path(text, raw)) for text, raw in zip(texts, raws, strict=True)]
    spans = dict(zip(SPAN, table["span"].combine_chunks().flatten(), strict=True))
    for name, values in {"file_id": pa.array(ids, pa.string()), **spans}.items():
        table = table.append_column(name, values)
    return table.drop_columns(["span"])


def schema(dim: int, metadata: dict[bytes, bytes]) -> pyarrow.Schema:
    """The table's columns."""
    import pyarrow as pa

    span = pa.struct([(name, pa.float64()) for name in SPAN])
    return pa.schema(
        [
            ("file_id", pa.string()),
            ("path", pa.string()),
            ("path_bytes", pa.binary()),  # only where the name is not UTF-8
            ("folder", pa.string()),
            ("duration_s", pa.float64()),
            ("content_hash", pa.string()),
            ("size", pa.int64()),
            ("mtime_ns", pa.int64()),
            ("tags", pa.list_(pa.string())),
            ("caption", pa.string()),
            ("words", pa.string()),  # in a file's first window alone: one entry a file
            ("model", pa.string()),
            ("window", pa.int32()),
            ("start_s", pa.float64()),
            ("end_s", pa.float64()),
            pa.field("span", span, metadata={"lance-encoding:packed": "true"}),
            ("vector", pa.list_(pa.float32(), dim)),
        ],
        metadata=metadata,
    )


def to_arrow(files: Sequence[FileRows], shape: pyarrow.Schema, fingerprint: str) -> pyarrow.Table:
    """The rows of `files`, in the columns of `shape`."""
    import pyarrow as pa

    dim = shape.field("vector").type.list_size
    columns: dict[str, list[object]] = {
        name: [] for name in shape.names if name not in ("vector", "model")
    }
    for each in files:
        n_windows = len(each.start_s)
        check_shape("vectors", each.vectors, (n_windows, dim), mend="Embed with the index's model.")
        text = shown(each.path)
        about = {
            "file_id": file_id(each.path),
            "path": text,
            "path_bytes": None if text == each.path else os.fsencode(each.path),
            "folder": str(PurePosixPath(text).parent),
            "duration_s": each.duration_s,
            "content_hash": each.known.content_hash,
            "size": each.known.size,
            "mtime_ns": each.known.mtime_ns,
            "tags": list(each.known.tags),
            "caption": each.known.caption,
        }
        for name, value in about.items():
            columns[name].extend([value] * n_windows)
        words = " ".join(
            words_of(str(PurePosixPath(text).with_suffix("")), *each.known.tags, each.known.caption)
        )
        columns["words"].extend([words] + [None] * (n_windows - 1))
        columns["window"].extend(range(n_windows))
        columns["start_s"].extend(each.start_s.tolist())
        columns["end_s"].extend(each.end_s.tolist())
    columns["span"] = [
        dict(zip(SPAN, row, strict=True))
        for row in zip(*(columns[name] for name in SPAN), strict=True)
    ]
    flat = np.concatenate([each.vectors for each in files]).astype(np.float32).ravel()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), dim)
    arrays = {name: pa.array(values, shape.field(name).type) for name, values in columns.items()}
    arrays |= {"vector": vectors, "model": pa.array([fingerprint] * len(vectors))}
    return pa.table([arrays[name] for name in shape.names], schema=shape)
