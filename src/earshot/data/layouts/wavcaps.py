"""WavCaps: JSON files of four web sources, and human sets of five captions. arXiv:2303.17395."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import first_named, missing, sounds_by_stem

COUNT = "num_captions_per_audio"
SOURCES = ("SoundBible", "FreeSound", "BBC", "AudioSet")  # as blacklists call the last and second
HUMAN = ("AudioCaps", "Clotho")
_BY_NAME = {  # a part of a path -> the source, the longer names first
    "audiocaps": "AudioCaps", "clotho": "Clotho", "soundbible": "SoundBible", "sb_": "SoundBible",
    "freesound": "FreeSound", "fsd_": "FreeSound", "bbc": "BBC", "audioset": "AudioSet",
    "as_": "AudioSet",
}  # fmt: skip
_HEAD = 4_096  # bytes in which a file shows its kind


@dataclass(frozen=True)
class WebRecord:
    """A sound as its source describes it; whatever the source does not say is empty."""

    source: str  # one of SOURCES or HUMAN, or "web"
    id: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    author: str = ""
    url: str = ""
    audio: str = ""  # a path, as the file has it
    duration_s: float | None = None
    captions: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    number: int = 0  # of the record within its file, from 1


def matches(folder: Path) -> bool:
    """Whether the folder, or one right in it, holds a JSON file of WavCaps."""
    return bool(json_files(folder))


def read(folder: Path) -> ClipSet:
    """Clips of one caption (the web's) or five (human), whose sounds lie somewhere in the folder.

    A sound is found by the path in the file, else by its id with any suffix. Records whose sound is
    not there are warnings: the set is 941 GB, and any part of it may be used. The source stands in
    `extra["source"]`, and is part of a clip's id.
    """
    sounds = sounds_by_stem(folder)
    faults: list[LoadFault] = []
    clips = []
    for path in json_files(folder):
        for record in read_records(path, faults):
            audio = _find(folder, path, record, sounds)
            if audio is None or not record.captions:
                where = record.audio or f"{record.id}.flac"
                if audio is None:
                    faults.append(missing(path, record.number, record.id, [where], "warning"))
                else:
                    faults.append(_fault(path, record.number, "caption", "no caption"))
                continue
            about = {"title": record.title, "description": record.description,
                     "tags": list(record.tags), "url": record.url}  # fmt: skip
            clips.append(
                Clip(
                    audio,
                    captions=record.captions,
                    id=f"{record.source}/{record.id}",
                    group=f"{record.source}/{record.id}",
                    extra={"source": record.source, "duration_s": record.duration_s}
                    | {name: value for name, value in about.items() if value},
                    file=path.name,
                    lines=(record.number,) * len(record.captions),
                )
            )
    return ClipSet(clips, name="WavCaps", faults=faults)


def read_records(path: Path, faults: list[LoadFault] | None = None) -> Iterator[WebRecord]:
    """The records of a WavCaps JSON file, or of a bare list of such, without their sounds.

    Which source it is shows in the path, else in the fields. Records that cannot be used are added
    to `faults`; without that list the first of them raises. Raises EarShotError for a file that is
    no such JSON.
    """
    rows, count = _rows(path)
    named = next((_BY_NAME[part] for part in _BY_NAME if part in _tail(path)), None)
    for number, row in enumerate(rows, start=1):
        found = _record(row, number, count, named)
        if isinstance(found, WebRecord):
            yield found
            continue
        fault = _fault(path, number, *found)
        if faults is None:
            raise EarShotError(got=f"{fault.where}: {fault.got}", expected=fault.expected,
                               mend=fault.mend)  # fmt: skip
        faults.append(fault)


def _rows(path: Path) -> tuple[list[Any], int]:
    """The items of a file, and how many captions each has."""
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path}: {fault}", expected="a JSON file of WavCaps", mend="Download it again."
        ) from fault
    count = value.get(COUNT, 1) if isinstance(value, dict) else 1
    rows = value.get("data") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not isinstance(count, int) or not 1 <= count <= 100:
        raise EarShotError(
            got=f"{path} without a list of records",
            expected=f'{{"{COUNT}": 1, "data": [...]}}, or a list',
            mend="Pass a JSON file of WavCaps.",
        )
    return rows, count


def _record(row: Any, number: int, count: int, named: str | None) -> WebRecord | tuple[str, str]:
    """The record of a row, or the field at fault and what it holds."""
    if not isinstance(row, Mapping):
        return "data", f"a {type(row).__name__}"
    if not _text(row, "id"):
        return "id", repr(row.get("id"))
    duration = row.get("duration")
    try:
        duration_s = None if duration in (None, "") else float(duration)
    except (TypeError, ValueError):
        return "duration", repr(duration)
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s >= 0):
        return "duration", repr(duration)
    names = ["caption"] if count == 1 else [f"caption_{n}" for n in range(1, count + 1)]
    captions = [text for name in names if (text := _text(row, name))]
    known = {"id", "title", "description", "tags", "author", "href", "download_link", "audio",
             "duration", *names}  # fmt: skip
    return WebRecord(
        source=named or _source_of(row, count),
        id=_text(row, "id"),
        title=_text(row, "title"),
        description=_text(row, "description"),
        tags=_tags(row.get("tags")),
        author=_text(row, "author"),
        url=_text(row, "download_link") or _text(row, "href"),
        audio=_text(row, "audio"),
        duration_s=duration_s,
        captions=tuple(dict.fromkeys(captions)),
        extra={str(name): value for name, value in row.items() if name not in known},
        number=number,
    )


def _source_of(row: Mapping[str, Any], count: int) -> str:
    """Which source has such fields."""
    if count > 1:
        return "web"
    if "tags" in row:
        return "FreeSound"
    if "title" in row:
        return "SoundBible"
    if "description" in row:
        return "BBC"
    return "AudioSet" if _text(row, "id").startswith("Y") else "web"


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _tags(value: Any) -> tuple[str, ...]:
    """Tags as a list, or as words with commas between them."""
    if isinstance(value, str):
        value = value.split(",") if "," in value else value.split()
    if not isinstance(value, list):
        return ()
    return tuple(tag for each in value if isinstance(each, str) and (tag := each.strip()))


def json_files(folder: Path) -> list[Path]:
    """The JSON files of WavCaps in a folder, as deep as it is released."""
    found = sorted([*folder.glob("*.json"), *folder.glob("*/*.json"), *folder.glob("*/*/*.json")])
    return [path for path in found if path.is_file() and is_wavcaps(path)]


def is_wavcaps(path: Path) -> bool:
    """Whether a file says at its head or its end how many captions a clip has."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _HEAD))
        return COUNT.encode() in head + file.read(_HEAD)


def _tail(path: Path) -> str:
    """The file's name and its folder's, in which the source may be named."""
    return f"{path.parent.name}/{path.name}".lower()


def _find(folder: Path, file: Path, record: WebRecord, sounds: Mapping[str, Path]) -> Path | None:
    if record.audio:
        for base in (folder, file.parent):
            path = base / record.audio
            if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
                return path
    stems = [Path(record.audio).stem, record.id, Path(record.id).stem]
    return first_named(dict(sounds), [stem for stem in stems if stem])


def _fault(path: Path, number: int, name: str, got: str) -> LoadFault:
    return LoadFault(
        kind="bad_record",
        file=path.name,
        line=number,
        field=name,
        got=got,
        expected={"duration": "seconds, 0 or more", "caption": "some words"}.get(
            name, "an id" if name == "id" else "an object"
        ),
        mend="Download the file again, or leave the record out.",
    )
