"""A manifest: a table whose rows are clips, with paths relative to its folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, is_folder
from earshot.data.clip import Clip, StoredAudio
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns, FoundColumns, find_columns
from earshot.data.faults import LoadFault
from earshot.data.rewritten import COLUMN
from earshot.data.tables import Row, Table, read_table
from earshot.text.stored_rewrites import parse_rewrites


def read_manifest(path: Path, columns: Columns | None = None) -> ClipSet:
    """The clips of a manifest; rows of one sound with other captions become one clip.

    Rows that cannot be used are left out and stand in `faults`, by line and field. Raises
    EarShotError when the file is no table or has no column of audio.
    """
    table = read_table(path)
    if not table.rows:
        return ClipSet([], name=_name(path), faults=table.faults)
    found = find_columns(table.columns, columns, path.name)
    if found.audio is None:
        raise EarShotError(
            got=f"{path.name} with columns {', '.join(table.columns[:20])}",
            expected="a column that names the audio, such as path or audio",
            mend="Rename that column, or say which it is: Columns(audio=...).",
        )
    faults = list(table.faults)
    made = [(row.line, clip) for row in table.rows if (clip := _clip(table, row, found, faults))]
    return ClipSet(merge_rows(made, path.name, faults), name=_name(path), faults=faults)


def _name(path: Path) -> str:
    """What the set is called: the file's name, or its folder's where the file has a stock name."""
    return path.resolve().parent.name if path.stem in ("manifest", "metadata") else path.stem


class _Row:
    """One row being turned into a clip; collects the faults of its fields."""

    def __init__(self, table: Table, row: Row, faults: list[LoadFault]) -> None:
        self.table, self.row, self.faults, self.good = table, row, faults, True

    def fault(self, kind: str, field: str | None, got: str, expected: str, mend: str) -> None:
        self.good = False
        self.faults.append(
            LoadFault(kind, self.table.path.name, got, expected, mend, self.row.line, field)
        )

    def value(self, field: str | None) -> Any:
        return None if field is None else self.row.values.get(field)

    def words(self, field: str | None, separator: str | None = None) -> tuple[str, ...]:
        """The texts of a cell: a list as it is, a string as one or parted at `separator`."""
        value = self.value(field)
        if value is None or value == "":
            return ()
        if isinstance(value, str) and separator:
            value = [part.strip() for part in value.split(separator)]
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(dict.fromkeys(str(item) for item in items if item not in (None, "")))

    def text(self, field: str | None) -> str | None:
        value = self.value(field)
        return None if value is None or value == "" else str(value)

    def seconds(self, field: str | None) -> float | None:
        value = self.text(field)
        if field is None or value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            self.fault(
                "bad_number",
                field,
                repr(value),
                "seconds, 0 or more",
                "Write a number such as 2.5.",
            )
            return None
        return seconds


def _clip(table: Table, row: Row, columns: FoundColumns, faults: list[LoadFault]) -> Clip | None:
    cells = _Row(table, row, faults)
    audio = _audio(cells, columns.audio)
    captions = tuple(dict.fromkeys(text for name in columns.captions for text in cells.words(name)))
    labels = cells.words(columns.label, columns.label_separator)
    for field, texts in ((",".join(columns.captions), captions), (columns.label, labels)):
        if any(_has_stray_bytes(text) for text in texts):
            cells.fault(
                "not_utf8", field, "bytes that are not UTF-8", "UTF-8 text", "Save it as UTF-8."
            )
    start_s = cells.seconds(columns.start) or 0.0
    duration_s = cells.seconds(columns.duration) if columns.cuts else None
    if duration_s == 0:
        cells.fault(
            "bad_number",
            columns.duration,
            "0 s",
            "a duration above 0",
            "Correct it, or leave it out.",
        )
    if audio is None or not cells.good:
        return None
    name = cells.text(columns.audio) if isinstance(audio, Path) else audio.name
    cut = "" if not start_s and duration_s is None else f"@{start_s:g}"
    return Clip(
        audio=audio,
        captions=captions,
        labels=labels,
        split=cells.text(columns.split),
        id=cells.text(columns.id) or f"{name}{cut}",
        start_s=start_s,
        duration_s=duration_s,
        group=cells.text(columns.group),
        extra={key: value for key, value in row.values.items() if key not in columns.used},
        file=table.path.name,
        lines=(row.line,) * max(1, len(captions)),
    )


def _audio(cells: _Row, field: str | None) -> Path | StoredAudio | None:
    """The sound of a row: a path beside the table, or the bytes that the table itself holds."""
    value = cells.value(field)
    if isinstance(value, dict):  # {"bytes": ..., "path": ...}, as the datasets library writes it
        if isinstance(data := value.get("bytes"), bytes):
            name = value.get("path") or f"{cells.table.path.name}#{cells.row.line}"
            return StoredAudio(str(name), lambda: data)
        value = value.get("path")
    if not isinstance(value, str) or not value.strip():
        cells.fault("empty_audio", field, "no path", "the path of a sound", "Fill it in.")
        return None
    path = cells.table.path.parent / value
    if not is_file(path):
        kind = "a folder" if is_folder(path) else "which is not there"
        cells.fault(
            "missing_audio",
            field,
            f"{value!r}, {kind}",
            f"a sound under {cells.table.path.parent.resolve()}",
            "Correct the path, or take the row out.",
        )
        return None
    return path


def _has_stray_bytes(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def merge_rows(rows: Iterable[tuple[int, Clip]], table: str, faults: list[LoadFault]) -> list[Clip]:
    """Clips with the captions and labels of all their rows, in the order of their first row.

    Rows are of one clip when audio and excerpt agree. What the rows disagree on, and an id used
    for two sounds, is a fault.
    """
    clips: dict[object, Clip] = {}
    owner: dict[str, object] = {}  # id -> key of its clip
    for line, clip in rows:
        audio = clip.audio if isinstance(clip.audio, Path) else id(clip.audio)
        key = (audio, clip.start_s, clip.duration_s)
        first = clips.get(key)
        if first is None:
            if owner.setdefault(clip.id, key) != key:
                faults.append(_double_id(clip, clips[owner[clip.id]], table, line))
                continue
            clips[key] = clip
            continue
        for field in ("split", "group"):
            if getattr(clip, field) != getattr(first, field):
                faults.append(_disagree(field, first, clip, table, line))
        clips[key] = merged(first, clip)
    return list(clips.values())


def merged(first: Clip, other: Clip) -> Clip:
    """`first` with the captions and labels of `other` that it does not have yet."""
    lines = dict(zip(other.captions, other.lines, strict=False))
    lines |= dict(zip(first.captions, first.lines, strict=False))
    captions = tuple(dict.fromkeys(first.captions + other.captions))
    extra = first.extra
    if COLUMN in extra or COLUMN in other.extra:  # each caption keeps its own rewrites
        extra = extra | {COLUMN: _rewrites(other) | _rewrites(first)}
    return dataclasses.replace(
        first,
        extra=extra,
        captions=captions,
        labels=tuple(dict.fromkeys(first.labels + other.labels)),
        lines=tuple(lines[caption] for caption in captions if caption in lines) or first.lines,
    )


def _rewrites(clip: Clip) -> dict[str, tuple[str, ...]]:
    return parse_rewrites(clip.extra.get(COLUMN), clip.captions)


def _double_id(clip: Clip, first: Clip, table: str, line: int) -> LoadFault:
    return LoadFault(
        kind="double_id",
        file=table,
        line=line,
        field="id",
        got=f"id {clip.id!r} for {clip.audio}, already used for {first.audio}",
        expected="an id of its own for each sound",
        mend="Rename one, or name another column: Columns(id=...).",
        clip=clip.id,
    )


def _disagree(field: str, first: Clip, clip: Clip, table: str, line: int) -> LoadFault:
    return LoadFault(
        kind="rows_disagree",
        file=table,
        line=line,
        field=field,
        got=f"{getattr(clip, field)!r} for {first.id!r}, which an earlier row puts in "
        f"{getattr(first, field)!r}",
        expected=f"one {field} for one sound",
        mend="Correct one of the rows.",
        clip=first.id,
    )
