"""Captions of clips without their sounds: what a model wrote, and what people wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from earshot.core.errors import EarShotError
from earshot.data.columns import find_columns
from earshot.data.tables import Row, Table, read_table

WRITTEN = ("candidate", "prediction", "predicted_caption", "caption_predicted", "hypothesis")
_SEGMENT = ("youtube_id", "start_time")  # AudioCaps: its audiocap_id is a caption's, not a clip's


@dataclass
class CaptionedClip:
    """One clip of a table: its captions, and the sounds that are known to be in it."""

    key: str
    captions: list[str] = field(default_factory=list)
    events: list[Any] | None = None


@dataclass(frozen=True)
class CaptionTable:
    """Clips in the order of the table; without names they are known by that order alone."""

    path: Path
    named: bool
    clips: list[CaptionedClip]


@dataclass(frozen=True)
class Scored:
    """One clip with a candidate and its references."""

    key: str
    candidate: str
    references: tuple[str, ...]
    events: list[Any] | None


def read_captions(path: Path, *, written: bool = False) -> CaptionTable:
    """The captions of a table (CSV, TSV, JSON, JSON Lines, Parquet), or of a text file's lines.

    Several captions a clip: columns caption_1, caption_2 ... (Clotho), a list in one column, or
    several rows of one clip (AudioCaps: youtube_id and start_time). `written`: by a model, so a
    column such as "candidate" or "prediction" goes before "caption", and an empty cell stays: the
    model had nothing to say. Raises EarShotError, with file and line, for what cannot be used.
    """
    if path.suffix.lower() == ".txt":
        lines = _lines(path)
        return CaptionTable(path, False, [CaptionedClip(f"line {i + 1}", [t]) for i, t in lines])
    table = read_table(path)
    if table.faults:
        fault = table.faults[0]
        raise EarShotError(
            got=f"{fault.where}: {fault.got}", expected=fault.expected, mend=fault.mend
        )
    columns, by, named = _columns(table, written)
    clips: dict[str, CaptionedClip] = {}
    for row in table.rows:
        key = "/".join(_text(row, name) for name in by) if named else f"line {row.line}"
        clip = clips.setdefault(key, CaptionedClip(key))
        texts = [text for name in columns for text in _texts(table, row, name)]
        clip.captions += texts if texts or not written else [""]
        if isinstance(events := row.values.get("events"), list):
            clip.events = events
    if not clips:
        raise EarShotError(
            got=f"{path.name} without a row", expected="a row a clip", mend="Name another file."
        )
    return CaptionTable(path, named, list(clips.values()))


def match_captions(candidates: CaptionTable, references: CaptionTable) -> list[Scored]:
    """Each clip of `references` with its one candidate: by name, or by order where one lacks names.

    Names meet whole, or as names of files. Raises EarShotError when a clip has no candidate or
    several, when a candidate has no references, and for other numbers of both.
    """
    several = [clip.key for clip in candidates.clips if len(clip.captions) != 1]
    if several:
        raise EarShotError(
            got=f"{candidates.path.name} with several captions for {several[0]}",
            expected="one candidate a clip",
            mend="Keep the best one of each.",
        )
    bare = [clip.key for clip in references.clips if not any(c.strip() for c in clip.captions)]
    if bare:
        raise EarShotError(
            got=f"{references.path.name} without a reference for {bare[0]}",
            expected="one reference or more a clip",
            mend="Fill it in, or take the clip out of both files.",
        )
    written = _by_order(candidates, references)
    if written is None:
        written = _by_name(candidates, references)
    return [
        Scored(clip.key, text, tuple(c for c in clip.captions if c.strip()), clip.events)
        for clip, text in zip(references.clips, written, strict=True)
    ]


def _by_order(candidates: CaptionTable, references: CaptionTable) -> list[str] | None:
    if candidates.named and references.named:
        return None
    if len(candidates.clips) != len(references.clips):
        raise EarShotError(
            got=f"{len(candidates.clips)} candidates in {candidates.path.name} and references of "
            f"{len(references.clips)} clips in {references.path.name}",
            expected="as many of both, or a column that names the clips in both",
            mend="Add a column such as file_name to both files.",
        )
    return [clip.captions[0] for clip in candidates.clips]


def _by_name(candidates: CaptionTable, references: CaptionTable) -> list[str]:
    whole = {clip.key: clip.captions[0] for clip in candidates.clips}
    wanted = [clip.key for clip in references.clips]
    if not whole.keys() & set(wanted):  # one of the two may know folders that the other does not
        whole = {PurePath(key).name: text for key, text in whole.items()}
        wanted = [PurePath(key).name for key in wanted]
    missing = [key for key in wanted if key not in whole]
    extra = sorted(whole.keys() - set(wanted))
    if missing or extra or len(set(wanted)) < len(wanted) or len(whole) < len(candidates.clips):
        told = f"no candidate for {len(missing)} clips, such as {missing[0]}" if missing else ""
        if extra and not missing:
            told = f"{len(extra)} candidates without references, such as {extra[0]}"
        raise EarShotError(
            got=f"{told or 'two clips of one file name'} ({candidates.path.name} against "
            f"{references.path.name})",
            expected="one candidate for each clip of the references, and no others",
            mend="Score all clips of a split: figures of other clips cannot be compared.",
        )
    return [whole[key] for key in wanted]


def _columns(table: Table, written: bool) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The columns of captions, those that name the clip, and whether there are such."""
    found = find_columns(table.columns, None, table.path.name)
    captions = found.captions
    if written and (own := [name for name in WRITTEN if name in table.columns]):
        captions = (own[0],)
    elif not captions and "references" in table.columns:
        captions = ("references",)
    if not captions:
        raise EarShotError(
            got=f"{table.path.name} with columns {', '.join(table.columns[:20])}",
            expected="a column of captions, such as caption or caption_1",
            mend="Rename that column.",
        )
    segment = tuple(name for name in _SEGMENT if name in table.columns)
    name = found.id or found.audio
    by = segment if _SEGMENT[0] in segment else ((name,) if name else ())
    return captions, by, bool(by)


def _texts(table: Table, row: Row, name: str) -> list[str]:
    value = row.values.get(name)
    items: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    texts = [each for each in items if each not in (None, "")]
    if not all(isinstance(each, str) for each in texts):
        raise EarShotError(
            got=f"{table.path.name}, line {row.line}, field {name!r}: {value!r}"[:200],
            expected="a text, or a list of texts",
            mend="Write captions as texts.",
        )
    return [str(each) for each in texts]


def _text(row: Row, name: str) -> str:
    value = row.values.get(name)
    if isinstance(value, dict):  # an audio column of the datasets library
        value = value.get("path")
    return "" if value is None else str(value)


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise EarShotError(
            got=f"{path}: {getattr(fault, 'strerror', None) or fault}",
            expected="a text file in UTF-8, one caption a line",
            mend="Correct the path, or save it as UTF-8.",
        ) from fault
    return list(enumerate(text.removesuffix("\n").split("\n")))
