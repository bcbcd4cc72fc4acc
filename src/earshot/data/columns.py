"""Which column of a table holds what: as told, else by the names that are usual."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from earshot.core.errors import unknown_name

USUAL = {  # lower case; the first one present is taken
    "audio": (
        "audio",
        "path",
        "audio_path",
        "audio_filepath",
        "audio_file",
        "file",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "wav",
        "sound",
        "location",
    ),
    "caption": ("caption", "captions", "text", "transcript", "transcription", "sentence"),
    "label": ("label", "labels", "category", "class", "class_name", "classname", "tags", "tag"),
    "split": ("split", "subset", "partition"),
    "id": ("id", "clip_id", "uid"),  # not "key", which music has
    "group": ("group", "group_id", "source_id", "recording_id", "recording", "src_file", "fsid"),
    "start": ("start_s", "start", "start_time"),
    "duration": ("duration_s", "duration"),
}
NUMBERED_CAPTION = re.compile(r"captions?[ _-]?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Names of the columns. None: found by the usual names; "": there is no such column.

    `caption` may name several columns. A `label` cell is one label unless `label_separator` says
    what parts several, such as ";". A duration without a start is the length of the whole file
    and cuts nothing, unless its column is named here.
    """

    audio: str | None = None
    caption: str | tuple[str, ...] | None = None
    label: str | None = None
    split: str | None = None
    id: str | None = None
    group: str | None = None
    start: str | None = None  # seconds
    duration: str | None = None  # seconds
    label_separator: str | None = None


def parse_columns(words: Sequence[str]) -> Columns | None:
    """Columns from words such as "caption=text"; several captions: "caption=text_en,text_de"."""
    given: dict[str, str | tuple[str, ...]] = {}
    for word in words:
        role, equals, name = word.partition("=")
        roles = [field.name for field in dataclasses.fields(Columns)]
        if role not in roles or not equals:
            raise unknown_name("column", word, roles, mend="Write it as caption=text.")
        several = role == "caption" and "," in name
        given[role] = tuple(name.split(",")) if several else name
    return Columns(**given) if given else None  # type: ignore[arg-type]


@dataclass(frozen=True)
class FoundColumns:
    """Columns as they are in one table; None where the table has none."""

    audio: str | None
    captions: tuple[str, ...]
    label: str | None
    split: str | None
    id: str | None
    group: str | None
    start: str | None
    duration: str | None
    cuts: bool  # the duration cuts an excerpt
    label_separator: str | None

    @property
    def used(self) -> frozenset[str]:
        """Every column that has a meaning; the others go to `Clip.extra`."""
        named = (self.audio, self.label, self.split, self.id, self.group, self.start)
        duration = self.duration if self.cuts else None
        return frozenset(name for name in (*named, *self.captions, duration) if name is not None)


def find_columns(present: Sequence[str], asked: Columns | None, table: str) -> FoundColumns:
    """The columns of a table that has those `present`. Raises EarShotError for one not there."""
    asked = asked or Columns()
    lower = {name.lower(): name for name in reversed(present)}
    found: dict[str, str | None] = {}
    for role, usual in USUAL.items():
        wanted = getattr(asked, role)
        if role == "caption":
            continue
        if wanted is None:
            found[role] = next((lower[name] for name in usual if name in lower), None)
        else:
            found[role] = _present(wanted, role, present, table) if wanted else None
    captions = _captions(present, lower, asked, table)
    taken = {found[role] for role in ("audio", "label")}
    return FoundColumns(
        captions=tuple(name for name in captions if name not in taken),
        cuts=found["start"] is not None or asked.duration is not None,
        label_separator=asked.label_separator,
        **found,
    )


def _captions(
    present: Sequence[str], lower: dict[str, str], asked: Columns, table: str
) -> tuple[str, ...]:
    if asked.caption is not None:
        names = (asked.caption,) if isinstance(asked.caption, str) else asked.caption
        return tuple(_present(name, "caption", present, table) for name in names if name)
    numbered = tuple(name for name in present if NUMBERED_CAPTION.fullmatch(name))
    if numbered:
        return numbered
    return tuple(lower[name] for name in USUAL["caption"] if name in lower)[:1]


def _present(name: str, role: str, present: Sequence[str], table: str) -> str:
    if name not in present:
        raise unknown_name(
            f"column of {table} for Columns({role}=...)",
            name,
            present,
            mend="Name a column that the table has.",
        )
    return name
