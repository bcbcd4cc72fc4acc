"""The tables of captions that AudioSetCaps was released as: ids and captions, no sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from earshot.data.columns import Columns
from earshot.data.tables import stream_table
from earshot.factories.item import Item

NAME = re.compile(r"(YouTube-8M_|VGGSound_)?AudioSetCaps_caption\.csv", re.IGNORECASE)
CLIP_S = 10.0  # arXiv:2411.18953: all clips
VIDEO = r"[0-9A-Za-z_-]{11}"
VGGSOUND = re.compile(rf"({VIDEO})_(\d{{6}})")
YOUTUBE_8M = re.compile(rf"({VIDEO})_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)")


class Excerpt(NamedTuple):
    """Of a video: its id, and where in it the clip lies as far as that is known."""

    video: str
    start_s: float | None
    duration_s: float


def matches(path: Path) -> bool:
    """Whether it is named as released."""
    return path.is_file() and NAME.fullmatch(path.name) is not None


def items(path: Path, columns: Columns | None = None) -> Iterator[Item]:
    """A clip of text for each row: `source` holds its caption and the video's id.

    A row without the id's form fails, known by its line.
    """
    faults: list = []
    for row in stream_table(path, faults):
        while faults:
            yield _failed(path, faults.pop(0).line, "a row that cannot be read")
        found = excerpt_of(str(row.values.get("id", "")), path.name)
        if found is None:
            yield _failed(path, row.line, f"the id {row.values.get('id')!r}")
            continue
        yield Item(
            str(row.values["id"]),
            start_s=found.start_s or 0.0,
            duration_s=found.duration_s,
            source={"caption": str(row.values.get("caption", "")), "video": found.video},
        )
    for fault in faults:
        yield _failed(path, fault.line, "a row that cannot be read")


def excerpt_of(id: str, table: str) -> Excerpt | None:
    """What an id says, by the form of its table; None where it has another.

    AudioSet's are "Y" and the video's id, and say no time; VGGSound's "VIDEO_SECONDS" in six
    digits, YouTube-8M's "VIDEO_START_DURATION". A video's own id may begin with a Y: only
    AudioSet's prefix is taken off.
    """
    kind = NAME.fullmatch(table)
    prefix = (kind.group(1) or "").lower() if kind else ""
    if prefix == "vggsound_":
        found = VGGSOUND.fullmatch(id)
        return Excerpt(found[1], float(found[2]), CLIP_S) if found else None
    if prefix == "youtube-8m_":
        found = YOUTUBE_8M.fullmatch(id)
        return Excerpt(found[1], float(found[2]), float(found[3])) if found else None
    return Excerpt(id[1:], None, CLIP_S) if re.fullmatch(f"Y{VIDEO}", id) else None


def _failed(path: Path, line: int | None, got: str) -> Item:
    at = f"{path.name}:{line or 0}"
    detail = f"{at}: got {got}; expected an id and a caption. Download the table again."
    return Item(at).fail("read", "bad_row", detail)
