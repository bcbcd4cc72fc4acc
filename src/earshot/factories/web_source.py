"""Records of web sources as items of a factory."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.data.blacklist import SourceBlacklist
from earshot.data.columns import Columns
from earshot.data.layouts.wavcaps import WebRecord, is_wavcaps, json_files, read_records
from earshot.data.tables import read_table
from earshot.factories.item import Item
from earshot.text.event_order import StrongLabel
from earshot.text.lexicon import audioset_lexicon

DOUBLE = "double_of"  # the note of an item that says what another before it said
EVENTS = "events"  # the field of `Item.source` that holds strong labels as JSON
KIND = "source"  # the field of `Item.source` that names the source
STRONG = ("segment_id", "start_time_seconds", "end_time_seconds", "label")


def read_web(path: Path, audio: Path | None = None) -> Iterator[Item]:
    """The items of a WavCaps JSON file or a folder of such, or of AudioSet's strong labels (.tsv).

    `audio` is a folder with the sounds, where they are at hand; nothing is lost without them.
    """
    if path.suffix.lower() in (".tsv", ".csv"):
        return once(strong_label_items(path, audio))
    files = json_files(path) if path.is_dir() else [path]
    if not files:
        raise EarShotError(
            got=f"{path} without a JSON file of WavCaps",
            expected="one with num_captions_per_audio and data",
            mend="Name the file itself.",
        )
    return once(item for file in files for item in record_items(read_records(file), audio))


def matches(path: Path) -> bool:
    """Whether it is a JSON file of WavCaps, or strong labels as AudioSet releases them."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4_096)
    if path.suffix.lower() == ".json":
        return is_wavcaps(path)
    return path.suffix.lower() == ".tsv" and head.decode("utf-8-sig", "replace").startswith(
        "\t".join(STRONG)
    )


def items(path: Path, columns: Columns | None = None) -> Iterator[Item]:
    """As `read_web`; the columns are the file's own."""
    return read_web(path)


def record_items(records: Iterable[WebRecord], audio: Path | None = None) -> Iterator[Item]:
    """An item for each record, its id after its source's name; no sound needs to be there."""
    for record in records:
        told = {
            "title": record.title,
            "description": record.description,
            "tags": ", ".join(record.tags),
            "author": record.author,
            "url": record.url,
        }
        sound: Path | str | None = record.url or None
        if audio is not None and (path := audio / (record.audio or record.id)).is_file():
            sound = path
        yield Item(
            id=f"{record.source}/{record.id}",
            audio=sound,
            duration_s=record.duration_s,
            source={KIND: record.source} | {name: text for name, text in told.items() if text},
        )


def strong_label_items(path: Path, audio: Path | None = None) -> Iterator[Item]:
    """An item for each clip of AudioSet's strong labels, with its events.

    The table names segment, start, end and class, by machine id ("/m/05zppz") or in words.
    """
    table = read_table(path, need=STRONG)
    names = {also: sound.name for sound in audioset_lexicon().sounds for also in sound.also}
    clips: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for row in table.rows:
        segment, start, end, label = (row.values[name] for name in STRONG)
        try:
            event = StrongLabel(names.get(label, label), float(start), float(end))
        except (ValueError, EarShotError) as fault:
            raise EarShotError(
                got=f"{path.name}, line {row.line}: {start!r} to {end!r}",
                expected="seconds, the end not before the start",
                mend="Correct the line.",
            ) from fault
        clips[segment].append((event.label, event.onset_s, event.offset_s))
    for segment, events in clips.items():
        sound = None if audio is None else audio / f"{segment}.wav"
        yield Item(
            id=f"AudioSet/{segment}",
            audio=sound if sound is not None and sound.is_file() else None,
            duration_s=10.0,
            labels=tuple(dict.fromkeys(label for label, _, _ in events)),
            source={KIND: "AudioSet", EVENTS: json.dumps(events)},
        )


def once(items: Iterable[Item]) -> Iterator[Item]:
    """The items, those noted that tell word for word what one before them told.

    Two sounds of one text are one sound uploaded twice when they last as long. Strong labels are
    of a clip each and are never doubles.
    """
    first: dict[bytes, str] = {}
    for item in items:
        told = " | ".join(item.source.get(name, "") for name in ("title", "description", "tags"))
        plain = " ".join(told.lower().split())
        if EVENTS not in item.source and plain.strip(" |"):
            key = hashlib.sha256(f"{plain}\n{item.duration_s}".encode()).digest()[:16]
            if (before := first.setdefault(key, item.id)) != item.id:
                item = item.with_(notes={**item.notes, DOUBLE: before})
        yield item


def source_of(item: Item) -> str:
    """Which source a record is from: as it says, else by the fields that it has."""
    told = item.source.get(KIND)
    if told:
        return told
    if EVENTS in item.source:
        return "AudioSet"
    if "tags" in item.source:
        return "FreeSound"
    return "SoundBible" if "title" in item.source else "BBC"


def is_listed(item: Item, blacklist: SourceBlacklist) -> bool:
    """Whether a blacklist names the item."""
    name = item.id.partition("/")[2] or item.id
    return blacklist.lists(source_of(item), [item.id, name])
