"""Rows of a CSV, TSV, JSON Lines, JSON or Parquet file, each with the line it stands on."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.data.faults import LoadFault

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
MAX_FIELD = 100_000_000  # characters in one CSV field; the csv module's own bound is 131,072


@dataclass(frozen=True)
class Row:
    """One row: where it stands and its fields."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """The rows that could be read, the columns they have, and the faults of the others."""

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    faults: list[LoadFault]


def read_table(
    path: Path, *, header: tuple[str, ...] | None = None, need: tuple[str, ...] = ()
) -> Table:
    """The rows of a table by its suffix; `header` names the columns of a CSV that has none.

    Raises EarShotError when there is no such file, no such format, or a column of `need` is
    absent. Bytes that are not UTF-8 are kept as surrogates, so that file names of any bytes find
    their file.
    """
    if not is_file(path):
        raise EarShotError(
            got=f"{path}, which is not a file",
            expected="a table of clips",
            mend="Correct the path.",
        )
    faults: list[LoadFault] = []
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        rows, columns = _read_csv(path, header, faults)
    else:
        found = _objects(path, faults)
        rows = [Row(line, value) for line, value in found if _is_row(path, line, value, faults)]
        columns = tuple(dict.fromkeys(name for row in rows for name in row.values))
    absent = [name for name in need if name not in columns]
    if absent:
        raise EarShotError(
            got=f"{path.name} with columns {', '.join(columns[:20])}",
            expected=f"{', '.join(need)} among them",
            mend="Download the file again, or name the layout: layout=manifest.",
        )
    return Table(path, columns, rows, faults)


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises EarShotError, with the line, when it is none."""
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as fault:  # ValueError: a number of thousands of digits
        raise EarShotError(
            got=f"{path.name}, line {getattr(fault, 'lineno', 1)}, not JSON: {fault}",
            expected="a JSON file",
            mend="Correct that line; a file of one object a line is named .jsonl.",
        ) from fault


def _objects(path: Path, faults: list[LoadFault]) -> Iterator[tuple[int, Any]]:
    """What a file that is no CSV holds, with its line or row."""
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path, faults)
    if suffix == ".json":
        return _json_rows(path)
    if suffix == ".parquet":
        return _parquet_rows(path)
    raise EarShotError(
        got=f"{path.name}, of an unknown kind",
        expected=f"one of {', '.join(SUFFIXES)}",
        mend="Save the table in one of these formats.",
    )


def _is_row(path: Path, line: int, value: Any, faults: list[LoadFault]) -> bool:
    if isinstance(value, dict):
        return True
    faults.append(
        LoadFault(
            kind="bad_row",
            file=path.name,
            line=line,
            got=f"a {type(value).__name__}",
            expected="an object with the fields of one clip",
            mend='Write the row as {"audio": "a.wav", "caption": "..."}.',
        )
    )
    return False


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as fault:
        raise EarShotError(
            got=f"{path}, which cannot be read: {fault.strerror}",
            expected="a table of clips",
            mend="Check who may read it.",
        ) from fault


def _read_csv(
    path: Path, header: tuple[str, ...] | None, faults: list[LoadFault]
) -> tuple[list[Row], tuple[str, ...]]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(first)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    rows: list[Row] = []
    columns = list(header or ())
    for row in _csv_rows(path, reader, columns, faults):
        rows.append(row)
    if not columns:
        raise _empty(path)
    return rows, tuple(columns)


def stream_table(path: Path, faults: list[LoadFault]) -> Iterator[Row]:
    """The rows of a table by its suffix, one after the other in bounded memory.

    Faults of rows are added to `faults` as they are met. A JSON file, which has no lines, is read
    whole. Raises EarShotError as read_table does.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
        columns: list[str] = []
        with _opened(path) as file:
            delimiter = "\t" if suffix == ".tsv" else _delimiter(file.readline())
            file.seek(0)
            yield from _csv_rows(path, csv.reader(file, delimiter=delimiter), columns, faults)
        if not columns:
            raise _empty(path)
    elif suffix in (".jsonl", ".ndjson"):
        with _opened(path) as file:
            for line, text in enumerate(file, start=1):
                for at, value in _json_line(path, line, text, faults):
                    if _is_row(path, at, value, faults):
                        yield Row(at, value)
    else:
        for line, value in _objects(path, faults):
            if _is_row(path, line, value, faults):
                yield Row(line, value)


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as fault:
        raise EarShotError(
            got=f"{path}, which cannot be read: {fault.strerror}",
            expected="a table of clips",
            mend="Correct the path, or check who may read it.",
        ) from fault


def _empty(path: Path) -> EarShotError:
    return EarShotError(
        got=f"{path.name}, which is empty",
        expected="a header line and a row for each clip",
        mend="Write the column names in its first line: path,caption.",
    )


def _csv_rows(
    path: Path, reader: Any, columns: list[str], faults: list[LoadFault]
) -> Iterator[Row]:
    """Rows of a CSV; the first one fills `columns` where these are empty."""
    for line, cells in _csv_records(path, reader, faults):
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue  # an empty line, such as the last one
        if not columns:
            columns.extend(cell.strip() for cell in cells)
            _check_header(path, tuple(columns))
        elif len(cells) != len(columns):
            faults.append(
                LoadFault(
                    kind="bad_row",
                    file=path.name,
                    line=line,
                    got=f"{len(cells)} fields",
                    expected=f"{len(columns)}, as in the header",
                    mend="Put fields that hold a comma, quote or line break in double quotes.",
                )
            )
        else:
            yield Row(line, dict(zip(columns, cells, strict=True)))


def _csv_records(
    path: Path, reader: Any, faults: list[LoadFault]
) -> Iterator[tuple[int, list[str]]]:
    """Records with the line each begins on; a record over several lines ends at line_num."""
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            faults.append(
                LoadFault(
                    kind="bad_row",
                    file=path.name,
                    line=line,
                    got=f"a row that is not CSV: {fault}",
                    expected="fields parted by commas, quoted where needed",
                    mend="Write that row again.",
                )
            )


def _delimiter(first: str) -> str:
    """The most frequent of comma, semicolon and tab in the header."""
    return max(",;\t", key=first.count)


def _check_header(path: Path, columns: tuple[str, ...]) -> None:
    twice = sorted(name for name, n in Counter(columns).items() if n > 1)
    if twice:
        raise EarShotError(
            got=f"{path.name}, line 1, with two columns named {twice[0]!r}",
            expected="a name of its own for each column",
            mend="Rename one of them.",
        )


def _json_lines(path: Path, faults: list[LoadFault]) -> Iterator[tuple[int, Any]]:
    for line, text in enumerate(_text(path).split("\n"), start=1):  # not splitlines: U+2028 is text
        yield from _json_line(path, line, text, faults)


def _json_line(
    path: Path, line: int, text: str, faults: list[LoadFault]
) -> Iterator[tuple[int, Any]]:
    """What a line holds: one value, or none."""
    if not text.strip():
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:
        faults.append(
            LoadFault(
                kind="bad_row",
                file=path.name,
                line=line,
                got=f"a row that is not JSON: {fault}",
                expected="one JSON object a line",
                mend="Write that row again, with double quotes.",
            )
        )
    else:
        yield line, value


def _json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Rows of a JSON array, of an object's `data` (as WavCaps has it), or of an object by id."""
    value = read_json(path)
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    elif isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        value = [{"id": key, **row} for key, row in value.items()]
    if not isinstance(value, list):
        raise EarShotError(
            got=f"{path.name} with a single {type(value).__name__}",
            expected="a JSON array of objects",
            mend='Write it as [{"audio": "a.wav", "caption": "..."}, ...].',
        )
    yield from enumerate(value, start=1)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        line = 1
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                yield line, row
                line += 1
    except (pyarrow.ArrowException, OSError) as fault:
        raise EarShotError(
            got=f"{path.name}, which is not readable as Parquet: {fault}",
            expected="a Parquet table",
            mend="Write it again, or copy it anew: it may be cut off.",
        ) from fault
