"""WebDataset tar shards: sounds with captions beside them, read in place without unpacking."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from earshot.data.clip import Clip, StoredAudio
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns, find_columns
from earshot.data.faults import LoadFault

AUDIO = frozenset(["wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm", "mp4", "aiff"])
ABOUT = frozenset(["json", "txt", "text", "cls", "caption"])


def read_shards(source: Path, columns: Columns | None = None) -> ClipSet:
    """The clips of one shard, or of every shard under a folder, in order of name.

    Files of one sample share their name up to its first dot, as the webdataset library has it:
    `a.flac` with `a.json` (fields by the usual names), `a.txt` (a caption) or `a.cls` (a label).
    A shard's folder, where it has one below `source`, is the split. Only headers and texts are
    read; a clip's sound is read from its place when asked for.
    """
    shards = [source] if source.is_file() else sorted(source.glob("**/*.tar"))
    faults: list[LoadFault] = []
    clips = []
    for shard in shards:
        below = shard.relative_to(source).parts[:-1] if source.is_dir() else ()
        for name, parts in _samples(shard, faults):
            clip = _clip(shard, name, parts, below[0] if below else None, columns, faults)
            if clip is not None:
                clips.append(clip)
    return ClipSet(clips, name=source.resolve().stem, faults=faults)


def _samples(
    shard: Path, faults: list[LoadFault]
) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """Names of the samples with their files by extension; a shard cut off gives what is whole."""
    name, parts = "", dict[str, tarfile.TarInfo]()
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                folder, _, file = member.name.rpartition("/")
                stem, _, extension = file.partition(".")
                this = f"{folder}/{stem}" if folder else stem
                if this != name and parts:
                    yield name, parts
                    parts = {}
                name = this
                parts[extension.lower()] = member
    except (tarfile.TarError, OSError) as fault:
        faults.append(
            LoadFault(
                kind="bad_shard",
                file=shard.name,
                got=f"a shard that breaks off or is no plain tar: {fault}",
                expected="an uncompressed tar file",
                mend="Copy it again; unpack .tar.gz to .tar, sounds are compressed already.",
            )
        )
    if parts:
        yield name, parts


def _clip(
    shard: Path,
    name: str,
    parts: dict[str, tarfile.TarInfo],
    split: str | None,
    columns: Columns | None,
    faults: list[LoadFault],
) -> Clip | None:
    sound = next((parts[extension] for extension in parts if extension in AUDIO), None)
    if sound is None or sound.offset_data + sound.size > shard.stat().st_size:
        faults.append(_no_sound(shard, name, parts))
        return None
    about = _about(shard, parts, faults)
    found = find_columns(tuple(about), columns, f"{shard.name}/{name}.json")
    captions = [text for field in found.captions for text in _words(about[field])]
    return Clip(
        StoredAudio(f"{shard.name}/{sound.name}", partial(_bytes, shard, sound)),
        captions=tuple(dict.fromkeys(captions)),
        labels=tuple(dict.fromkeys(_words(about[found.label]))) if found.label else (),
        split=str(about[found.split]) if found.split else split,
        id=name,
        group=str(about[found.group]) if found.group else None,
        extra={key: value for key, value in about.items() if key not in found.used},
        file=shard.name,
    )


def _about(
    shard: Path, parts: dict[str, tarfile.TarInfo], faults: list[LoadFault]
) -> dict[str, Any]:
    """What the texts beside a sound say, as one row."""
    row: dict[str, Any] = {}
    for extension in ABOUT & parts.keys():
        member = parts[extension]
        text = _bytes(shard, member).decode("utf-8", "replace")
        if extension == "cls":
            row["label"] = text.strip()
        elif extension != "json":
            row["caption"] = text.strip()
        else:
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as fault:
                value = None
                faults.append(_bad_json(shard, member.name, str(fault)))
            row |= value if isinstance(value, dict) else {}
    return row


def _words(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if item not in (None, "")]


def _bytes(shard: Path, member: tarfile.TarInfo) -> bytes:
    with shard.open("rb") as file:
        file.seek(member.offset_data)
        return file.read(member.size)


def _no_sound(shard: Path, name: str, parts: dict[str, tarfile.TarInfo]) -> LoadFault:
    return LoadFault(
        kind="missing_audio",
        file=shard.name,
        got=f"sample {name} with {', '.join(sorted(parts))} and no whole sound",
        expected=f"one of {', '.join(sorted(AUDIO))}",
        mend="Write the shard again.",
        clip=name,
    )


def _bad_json(shard: Path, name: str, reason: str) -> LoadFault:
    return LoadFault(
        kind="bad_row",
        file=shard.name,
        got=f"{name}, which is not JSON: {reason}",
        expected="a JSON object",
        mend="Write the shard again.",
    )
