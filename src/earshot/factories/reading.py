"""Clips for a factory from a folder, a bucket or a table, one after the other as they are asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from earshot.audio.find import AUDIO_SUFFIXES, find_audio
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file, is_folder
from earshot.core.urls import is_url
from earshot.data.clip import Clip
from earshot.data.columns import Columns, FoundColumns, find_columns
from earshot.data.faults import LoadFault
from earshot.data.folders import SPLIT_NAMES
from earshot.data.open import MANIFESTS, PUBLISHED, read_layout, recognise
from earshot.data.tables import SUFFIXES, Row, stream_table
from earshot.engines.urls import stored_sounds
from earshot.factories import released_tables
from earshot.factories.item import Item
from earshot.factories.ledger import STORED


class Form(NamedTuple):
    """A form that a source may have on disk: how it is told, and how it is read."""

    matches: Callable[[Path], bool]
    items: Callable[[Path, Columns | None], Iterator[Item]]


def items_of(
    source: str | Path, *, form: str = "auto", columns: Columns | None = None
) -> Iterator[Item]:
    """The clips of a folder, of a URL with sounds below it, or of a table.

    A row of a table that cannot be used comes as a failed item, known by its line. Names of a
    table's columns are found as for `open_clips`; texts of all other columns go to `Item.source`.
    Raises EarShotError for a source that is not there or of no known form.
    """
    if is_url(source):
        return _bucket(str(source))
    path = Path(source).expanduser()
    if form == "auto":
        form = next((name for name, each in FORMS.items() if each.matches(path)), "")
    if not path.exists() or not form:
        raise EarShotError(
            got=f"{path}, {'of no form that is known' if path.exists() else 'which is not there'}",
            expected=f"a folder of sounds, a URL, or a table ({', '.join(SUFFIXES)})",
            mend="Correct the path.",
        )
    if form not in FORMS:
        raise unknown_name("form", form, FORMS)
    return FORMS[form].items(path, columns)


def _bucket(url: str) -> Iterator[Item]:
    for sound in stored_sounds(url):
        stored = {STORED: f"{sound.size}-{sound.mtime_ns}"}
        yield Item(sound.name, sound.url, labels=_label(sound.name, False), provenance=stored)


def _folder(folder: Path, columns: Columns | None) -> Iterator[Item]:
    """Ids are paths below the folder; labels as `data.folders.read_folder` has them."""
    with_splits = _tops_are_splits(folder)
    for path in find_audio([folder]):
        name = path.relative_to(folder).as_posix()
        yield Item(name, path, labels=_label(name, with_splits))


def _label(name: str, with_splits: bool) -> tuple[str, ...]:
    below = name.split("/")[:-1][with_splits:]
    return (below[0].replace("_", " "),) if below else ()


def _tops_are_splits(folder: Path) -> bool:
    """True where all that lies in a folder are folders named train, test ..."""
    tops = [top for top in folder.iterdir() if not top.name.startswith(".")]
    folders = {top.name.lower() for top in tops if is_folder(top)}
    loose = any(is_file(top) and top.suffix.lower() in AUDIO_SUFFIXES for top in tops)
    return bool(folders) and folders <= SPLIT_NAMES and not loose


def _published(folder: Path, columns: Columns | None) -> Iterator[Item]:
    """A set as it is downloaded: its captions go to `source`, row by row."""
    clips = read_layout(folder, "auto", columns)
    for fault in clips.faults:
        if fault.severity == "error":
            yield _failed(fault)
    for clip in clips:
        yield _of_clip(clip)


def _of_clip(clip: Clip) -> Item:
    if not isinstance(clip.audio, Path):
        raise EarShotError(
            got=f"{clip.id}, a sound inside another file",
            expected="sounds that are files, or objects behind URLs",
            mend="Unpack the set first.",
        )
    return Item(
        clip.id,
        clip.audio,
        clip.start_s,
        clip.duration_s,
        clip.labels,
        {f"caption_{i}": text for i, text in enumerate(clip.captions, 1)} | _texts(clip.extra),
    )


def _manifest_in(folder: Path, columns: Columns | None) -> Iterator[Item]:
    path = next(folder / name for name in MANIFESTS if is_file(folder / name))
    return _table(path, columns)


def _table(path: Path, columns: Columns | None) -> Iterator[Item]:
    faults: list[LoadFault] = []
    held: dict[tuple[str, ...], FoundColumns] = {}
    for row in stream_table(path, faults):
        while faults:
            yield _failed(faults.pop(0))
        names = tuple(row.values)
        if names not in held:
            held[names] = find_columns(names, columns, path.name)
        yield _of_row(path, row, held[names])
    yield from map(_failed, faults)


def _of_row(path: Path, row: Row, columns: FoundColumns) -> Item:
    at = f"{path.name}:{row.line}"
    audio: Path | str | None = None
    if columns.audio is not None:
        cell = row.values.get(columns.audio)
        if not isinstance(cell, str) or not cell.strip():
            detail = f"{at}, field {columns.audio!r}: got no path. Fill it in, or drop the row."
            return Item(at).fail("read", "no_audio", detail)
        audio = cell if is_url(cell) else path.parent / cell
    try:
        start_s = _seconds(row.values.get(columns.start or "")) or 0.0
        duration_s = _seconds(row.values.get(columns.duration or "")) if columns.cuts else None
    except ValueError as fault:
        return Item(at, audio).fail("read", "bad_number", f"{at}: got {fault}. Write seconds.")
    given = row.values.get(columns.id or "")
    cut = "" if not start_s and duration_s is None else f"@{start_s:g}"
    id = (
        str(given)
        if given not in (None, "")
        else f"{row.values[columns.audio]}{cut}"
        if (columns.audio)
        else at
    )
    known = (columns.audio, columns.id, columns.label, columns.start, columns.duration)
    texts = _texts({name: value for name, value in row.values.items() if name not in known})
    return Item(id, audio, start_s, duration_s, _labels(row, columns), texts)


def _labels(row: Row, columns: FoundColumns) -> tuple[str, ...]:
    cell = row.values.get(columns.label or "")
    if isinstance(cell, str) and columns.label_separator:
        cell = [part.strip() for part in cell.split(columns.label_separator)]
    cells = cell if isinstance(cell, list) else [cell]
    return tuple(dict.fromkeys(str(each) for each in cells if each not in (None, "")))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Cells as text: lists joined by commas; what is empty or nested is left out."""
    texts = {}
    for name, value in values.items():
        cells = value if isinstance(value, list) else [value]
        words = [str(c) for c in cells if isinstance(c, str | int | float) and str(c).strip()]
        if words:
            texts[name] = ", ".join(words)
    return texts


def _seconds(cell: Any) -> float | None:
    if cell in (None, ""):
        return None
    seconds = float(cell)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{cell!r}, which is no time")
    return seconds


def _failed(fault: LoadFault) -> Item:
    """A row that is no clip, known by its place."""
    return Item(f"{fault.file}:{fault.line or 0}").fail("read", fault.kind, str(fault))


FORMS = {  # the first that matches is taken
    "audiosetcaps": Form(released_tables.matches, released_tables.items),
    "table": Form(lambda path: is_file(path) and path.suffix.lower() in SUFFIXES, _table),
    "published": Form(lambda path: is_folder(path) and recognise(path) in PUBLISHED, _published),
    "manifest": Form(
        lambda path: is_folder(path) and any(is_file(path / name) for name in MANIFESTS),
        _manifest_in,
    ),
    "folder": Form(is_folder, _folder),
}
