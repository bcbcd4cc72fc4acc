"""Machine noise in any set of captions: scores, brackets, labels, what somebody says in a sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.data.caption_faults import CaptionFault, caption_faults
from earshot.data.columns import Columns, FoundColumns, find_columns
from earshot.data.faults import LoadFault
from earshot.data.leaked_speech import leaked_speech
from earshot.data.tables import stream_table
from earshot.factories.part_store import rows_in


class Finding(NamedTuple):
    """A caption that has something wrong, where it stands."""

    where: str  # the table's line and column, or the clip's id
    caption: str
    fault: CaptionFault


@dataclass
class Linted:
    """Counts of a set, filled while `lint` is read."""

    n_captions: int = 0
    n_faulty: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def lint(source: Path, linted: Linted, columns: Columns | None = None) -> Iterator[Finding]:
    """Everything wrong with the captions of a table, or of a factory's folder, as it is read.

    Raises EarShotError where there is no column of captions.
    """
    for where, caption, labels in _captions(source, columns):
        if isinstance(caption, LoadFault):
            linted.kinds[caption.kind] += 1
            row = CaptionFault(caption.kind, caption.got, caption.expected, caption.mend)
            yield Finding(where, "", row)
            continue
        linted.n_captions += 1
        found = faults_of(caption, labels)
        linted.n_faulty += bool(found)
        for fault in found:
            linted.kinds[fault.kind] += 1
            yield Finding(where, caption, fault)


def faults_of(caption: str, labels: tuple[str, ...] = ()) -> list[CaptionFault]:
    """The faults of `data.caption_faults`, spoken words, and labels that were copied.

    A label counts as copied where it is no word of everyday: with a comma or a parenthesis in it,
    such as "Vehicle horn, car horn, honking".
    """
    found = list(caption_faults(caption))
    if (said := leaked_speech(caption)) is not None:
        found.append(
            CaptionFault(
                "leaked_speech",
                f"{said[:60]!r} in it",
                "that somebody speaks, and how",
                "Leave out what is said.",
            )
        )
    copied = [label for label in labels if set(label) & set(",(") and label in caption]
    if copied:
        found.append(
            CaptionFault(
                "copied_label",
                f"the label {copied[0]!r} in it",
                "a sentence of its own words",
                "Write what is heard.",
            )
        )
    return found


def _captions(
    source: Path, columns: Columns | None
) -> Iterator[tuple[str, str | LoadFault, tuple[str, ...]]]:
    """Place, text and labels of every caption; rows that cannot be read as their fault."""
    if is_folder(source):
        for clip in rows_in(source, "data", ["id", "caption", "labels"]):
            yield clip["id"], clip["caption"], tuple(clip["labels"])
        return
    faults: list[LoadFault] = []
    held: dict[tuple[str, ...], FoundColumns] = {}
    for row in stream_table(source, faults):
        while faults:
            yield faults[0].where, faults.pop(0), ()
        names = tuple(row.values)
        if names not in held:
            held[names] = find_columns(names, columns, source.name)
        found = held[names]
        if not found.captions:
            raise EarShotError(
                got=f"{source.name}, line {row.line}, with columns {', '.join(names)}",
                expected="a column of captions",
                mend="Name it: --column caption=text.",
            )
        labels = tuple(map(str, _cells(row.values.get(found.label or ""))))
        for name in found.captions:
            for text in _cells(row.values.get(name), empty=True):
                yield f"{source.name}, line {row.line}, field {name!r}", str(text), labels
    for fault in faults:
        yield fault.where, fault, ()


def _cells(cell: Any, empty: bool = False) -> list[Any]:
    cells = cell if isinstance(cell, list) else [cell]
    return ["" if each is None else each for each in cells] if empty else [c for c in cells if c]
