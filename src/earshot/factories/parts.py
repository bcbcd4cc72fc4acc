"""The published form of a clip: rows of Parquet files, the same columns in all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.files import replacing
from earshot.core.urls import is_url
from earshot.factories.item import Item

if TYPE_CHECKING:
    import pyarrow as pa

CLAP = ("clap_caption", "clap_label")  # scores with columns of their own; all are in `scores`
MAPPINGS = {  # field of the item -> (its name's column, its value's column)
    "scores": ("name", "value"),
    "notes": ("kind", "text"),
    "source": ("field", "text"),
    "provenance": ("stage", "identity"),
}
READ_ROWS = 4_096  # of a part, in memory at a time


def schema() -> pa.Schema:
    """Of every part."""
    import pyarrow as pa

    text = pa.string()

    def pairs(first: str, second: str, kind: pa.DataType) -> pa.DataType:
        return pa.list_(pa.struct([(first, text), (second, kind)]))

    return pa.schema(
        [
            ("id", text),
            ("caption", text),
            ("labels", pa.list_(text)),
            ("audio", text),  # relative to the folder that holds `data`, or a URL
            ("start_s", pa.float64()),
            ("duration_s", pa.float64()),
            *[(name, pa.float64()) for name in CLAP],
            ("scores", pairs(*MAPPINGS["scores"], pa.float64())),
            ("notes", pairs(*MAPPINGS["notes"], text)),
            ("questions", pairs("question", "answer", text)),
            ("source", pairs(*MAPPINGS["source"], text)),
            ("provenance", pairs(*MAPPINGS["provenance"], text)),
            ("factory", text),  # identity of the factory that made the row
            ("rejected_by", text),
            ("reason", text),
            ("detail", text),
        ]
    )


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of `Item.to_row`, each with "factory", as a table of that schema."""
    import pyarrow as pa

    shape = schema()

    def plain(name: str, get: Callable[[Mapping[str, Any]], Any]) -> pa.Array:
        return _array([get(row) for row in rows], shape.field(name).type)

    def lists(name: str, of: Callable[[Mapping[str, Any]], Iterable[Any]], *columns: str) -> Any:
        offsets, flat = [0], list[Any]()
        for row in rows:
            flat.extend(of(row))
            offsets.append(len(flat))
        kind = shape.field(name).type.value_type
        if not columns:
            values = _array(flat, kind)
        else:
            fields = [kind.field(column) for column in columns]
            parts = [_array([each[i] for each in flat], f.type) for i, f in enumerate(fields)]
            values = pa.StructArray.from_arrays(parts, fields=fields)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)

    def no(i: int) -> Callable[[Mapping[str, Any]], str | None]:
        return lambda row: row["rejected"][i] if "rejected" in row else None

    made = {
        "id": plain("id", lambda row: row["id"]),
        "caption": plain("caption", lambda row: row.get("caption", "")),
        "labels": lists("labels", lambda row: row.get("labels", ())),
        "audio": plain("audio", lambda row: row.get("audio")),
        "start_s": plain("start_s", lambda row: row.get("start_s", 0.0)),
        "duration_s": plain("duration_s", lambda row: row.get("duration_s")),
        "questions": lists("questions", lambda row: row.get("answers", ()), "question", "answer"),
        "factory": plain("factory", lambda row: row["factory"]),
        "rejected_by": plain("rejected_by", no(0)),
        "reason": plain("reason", no(1)),
        "detail": plain("detail", no(2)),
    }
    for score in CLAP:
        made[score] = plain(score, partial(_score, score))
    for name, columns in MAPPINGS.items():
        made[name] = lists(name, partial(_pairs, name), *columns)
    return pa.Table.from_arrays([made[name] for name in shape.names], schema=shape)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # half a character, as names of files and models' JSON may have
        return pa.array([utf8(v) if isinstance(v, str) else v for v in values], kind)


def utf8(text: str) -> str:
    """What UTF-8 can hold of a text; lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _score(name: str, row: Mapping[str, Any]) -> float | None:
    found: float | None = row.get("scores", {}).get(name)
    return found


def _pairs(name: str, row: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return dict.items(row.get(name, {}))


def write_part(path: Path, table: pa.Table) -> None:
    """Whole or not at all."""
    import pyarrow.parquet as pq

    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")


def part_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a part, in bounded memory."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(READ_ROWS, columns=columns):
            yield from batch.to_pylist()


def item_of(row: Mapping[str, Any], out: Path) -> Item:
    """The clip of a part's row; its file is looked for from `out`."""
    values: dict[str, Any] = {"id": row["id"], "caption": row["caption"] or ""}
    audio = row["audio"]
    if audio is not None:
        values["audio"] = audio if is_url(audio) else str(out / audio)
    values["start_s"], values["duration_s"] = row["start_s"], row["duration_s"]
    values["labels"] = row["labels"]
    values["answers"] = [(pair["question"], pair["answer"]) for pair in row["questions"]]
    for name, (first, second) in MAPPINGS.items():
        values[name] = {pair[first]: pair[second] for pair in row[name]}
    if row["rejected_by"] is not None:
        values["rejected"] = (row["rejected_by"], row["reason"], row["detail"])
    return Item.from_row(values)


def placed(audio: Path | str, out: Path) -> str:
    """A file's name as seen from `out`; a URL as it is."""
    if isinstance(audio, str) and is_url(audio):
        return audio
    path = Path(audio)
    return os.path.join(_seen_from(str(path.parent), str(out)), path.name)  # noqa: PTH118


@lru_cache(maxsize=4_096)
def _seen_from(folder: str, out: str) -> str:
    return Path(os.path.relpath(folder, out)).as_posix()
