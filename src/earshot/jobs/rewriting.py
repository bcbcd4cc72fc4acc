"""Rewrite the captions of a manifest to say what sounds are like; killed, it is taken up again."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.core.lock import one_writer
from earshot.data.columns import Columns, FoundColumns, find_columns
from earshot.data.rewritten import COLUMN
from earshot.data.tables import Row, Table, read_table
from earshot.jobs.each_file import Failure
from earshot.text.rewriting import Rewriter

Given = TypeVar("Given")
Result = TypeVar("Result")
Map = Callable[[Iterable[Given], Callable[[Given], Result]], Iterator[Result | EarShotError]]


@dataclass(frozen=True)
class Rewritten:
    """What a rewriting came to. `unknown` captions have no rewrite and stay as they are."""

    out: Path
    n_rows: int
    n_captions: int  # different ones
    n_rewrites: int
    unknown: list[str]
    failures: list[Failure]


@dataclass(frozen=True)
class DoneCaption:
    """A caption with what came of it: rewrites, none, or why it failed."""

    caption: str
    rewrites: tuple[str, ...]
    error: str | None = None


def rewrite_manifest(
    source: Path,
    out: Path,
    rewriter: Rewriter,
    *,
    n: int = 4,
    columns: Columns | None = None,
    each: Map[str, tuple[str, ...]] | None = None,
    tell: Callable[[DoneCaption], None] = lambda done: None,
) -> Rewritten:
    """Write the rows of a table to `out` with a column `rewritten_captions`.

    Every different caption is rewritten once, into up to `n` texts, and kept in `OUT.done` as soon
    as it is there: run again, only what is missing or failed is asked for. `out` is written whole
    at the end (.jsonl, or .csv with Python lists as released tables have them), paths of sounds
    made relative to it. Captions that failed have an empty list, which stands for the original.
    `each` maps over captions, several at a time where the rewriter can; errors come as values.
    """
    if n < 1:
        raise EarShotError(got=f"{n} rewrites", expected="1 or more", mend="Ask for 1 or more.")
    if out.suffix.lower() not in (".jsonl", ".csv"):
        raise EarShotError(
            got=f"--out {out}", expected="a name that ends in .jsonl or .csv", mend="Rename it."
        )
    if out.resolve() == source.resolve():
        raise EarShotError(
            got=f"--out {out}, the manifest itself", expected="another file", mend="Rename it."
        )
    table = read_table(source)
    found = find_columns(table.columns, columns, source.name)
    if not found.captions:
        raise EarShotError(
            got=f"{source.name} with columns {', '.join(table.columns[:20])}",
            expected="a column of captions",
            mend="Name it: --column caption=text.",
        )
    captions = list(dict.fromkeys(c for row in table.rows for c in _captions(row, found)))
    done: dict[str, tuple[str, ...]] = {}
    failures = [Failure(fault.where, str(fault)) for fault in table.faults]
    with one_writer(out.parent, f".{out.name}.lock"), Journal(out, rewriter.identity, n) as journal:
        done |= {c: journal.done[c] for c in captions if c in journal.done}
        waiting = [caption for caption in captions if caption not in done]
        for caption, texts in zip(
            waiting, (each or _each)(waiting, _work(rewriter, n)), strict=True
        ):
            if isinstance(texts, EarShotError):
                failures.append(Failure(caption, str(texts)))
                tell(DoneCaption(caption, (), str(texts)))
                continue
            journal.write(caption, texts)
            done[caption] = texts
            tell(DoneCaption(caption, texts))
        _write(out, table, found, done)
    return Rewritten(
        out,
        len(table.rows),
        len(captions),
        sum(len(texts) for texts in done.values()),
        [caption for caption, texts in done.items() if not texts],
        failures,
    )


class Journal:
    """`OUT.done`: a line for each caption that was rewritten; what a kill left half is dropped.

    Lines of another rewriter or another `n` are kept in the file and not used.
    """

    def __init__(self, out: Path, identity: str, n: int) -> None:
        self.path = out.with_name(out.name + ".done")
        self.settings = f"{identity}-{n}"
        self.done: dict[str, tuple[str, ...]] = {}
        self._handle: BinaryIO | None = None

    def __enter__(self) -> Journal:
        self._handle = self.path.open("a+b")
        self._handle.seek(0)
        whole = 0
        for line in iter(self._handle.readline, b""):
            row = _journal_row(line)
            if row is None:
                break
            whole += len(line)
            if row["settings"] == self.settings:
                self.done[row["caption"]] = tuple(row["rewrites"])
        self._handle.truncate(whole)
        self._handle.seek(0, os.SEEK_END)
        return self

    def __exit__(self, *fault: object) -> None:
        assert self._handle is not None
        self._handle.close()

    def write(self, caption: str, rewrites: tuple[str, ...]) -> None:
        """Keep what came of a caption."""
        assert self._handle is not None
        row = {"caption": caption, "rewrites": rewrites, "settings": self.settings}
        self._handle.write(json.dumps(row).encode() + b"\n")
        self._handle.flush()


def _journal_row(line: bytes) -> dict[str, Any] | None:
    """The row of a whole line."""
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    good = isinstance(row, dict) and {"caption", "rewrites", "settings"} <= row.keys()
    return row if good else None


def _work(rewriter: Rewriter, n: int) -> Callable[[str], tuple[str, ...]]:
    return lambda caption: rewriter.rewrite(caption, n)


def _each(
    captions: Iterable[str], work: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[str, ...] | EarShotError]:
    """One after the other."""
    for caption in captions:
        try:
            yield work(caption)
        except EarShotError as fault:
            yield fault


def _captions(row: Row, columns: FoundColumns) -> list[str]:
    cells = [row.values.get(name) for name in columns.captions]
    texts = [text for cell in cells for text in (cell if isinstance(cell, list) else [cell])]
    return [text for text in texts if isinstance(text, str) and text.strip()]


def _write(
    out: Path, table: Table, columns: FoundColumns, done: dict[str, tuple[str, ...]]
) -> None:
    """The table with its new column, whole or not at all."""
    rows = []
    for row in table.rows:
        values = dict(row.values)
        if columns.audio is not None and isinstance(cell := values.get(columns.audio), str):
            values[columns.audio] = _moved(cell, table.path.parent, out.parent)
        told = {caption: list(done.get(caption, ())) for caption in _captions(row, columns)}
        values[COLUMN] = next(iter(told.values())) if len(told) == 1 else told
        rows.append(values)
    if out.suffix.lower() == ".jsonl":
        write_text(out, "".join(json.dumps(values) + "\n" for values in rows))
        return
    text = StringIO(newline="")
    writer = csv.DictWriter(text, dict.fromkeys([*table.columns, COLUMN]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**values, COLUMN: repr(values[COLUMN])} for values in rows)
    write_text(out, text.getvalue())


def _moved(cell: str, before: Path, after: Path) -> str:
    """A path relative to one folder, relative to another; absolute ones and URLs stay."""
    if not cell or "://" in cell or Path(cell).is_absolute():
        return cell
    return Path(os.path.relpath(before / cell, after)).as_posix()
