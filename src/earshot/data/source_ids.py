"""Which recordings of which site the clips of a corpus are cut from, read from its tables alone."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, is_folder
from earshot.data.tables import MAX_FIELD, SUFFIXES, read_table

Source = tuple[str, str]  # a site and the recording's id there: ("freesound", "100032")

YOUTUBE_ID = r"[A-Za-z0-9_-]{11}"
_TIMES = r"(?:_\d+(?:\.\d+)?){1,2}"  # a start, or a start and an end or a duration
_PLAIN = re.compile(rf"({YOUTUBE_ID})(?:{_TIMES})?")
_PREFIXED = re.compile(rf"Y({YOUTUBE_ID})(?:{_TIMES})?")
_LINKS = (
    ("freesound", re.compile(r"freesound\.org/(?:people/[^/]+/sounds|s|data/previews/\d+)/(\d+)")),
    ("youtube", re.compile(rf"(?:youtube\.com/watch\?(?:.*&)?v=|youtu\.be/)({YOUTUBE_ID})")),
    ("soundbible", re.compile(r"soundbible\.com/(?:grab\.php\?id=)?(\d+)")),
    ("bbc_sound_effects", re.compile(r"bbcrewind\.co\.uk/.*?(\w+)(?:\.\w+)?(?:\?.*)?$")),
)
_LINK_COLUMNS = ("url", "href", "link", "download_link", "sound_link", "source_url")
_ID_COLUMNS = ("id", "clip_id", "filename", "file_name", "path", "audio", "wav")
_VGGSOUND = ("youtube_id", "start", "label", "split")  # the columns of a file without a header
_SEGMENTS = ("YTID", "start_seconds", "end_seconds", "positive_labels")
MOSTLY = 0.9  # share of ids in YouTube's form that makes a column of ids one of YouTube's


@dataclass
class Corpus:
    """The recordings that a corpus is cut from, each with the clips it gave."""

    name: str
    clips_of: dict[Source, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    n_unknown: int = 0  # rows of which no source is told

    @property
    def n_clips(self) -> int:
        """Clips, each counted once in however many rows it stands, and rows without a source."""
        return sum(map(len, self.clips_of.values())) + self.n_unknown

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that its clips come from, sorted."""
        return tuple(sorted({site for site, _ in self.clips_of}))


@dataclass(frozen=True)
class Rule:
    """How a published table says where a clip is from, and what the clip is called."""

    needs: frozenset[str]  # columns by which the table is known
    site: str
    id_of: Callable[[Mapping[str, Any]], str]
    clip_of: Callable[[Mapping[str, Any]], str]


RULES = (
    Rule(frozenset({"youtube_id", "start_time"}), "youtube", lambda row: row["youtube_id"],
         lambda row: f"{row['youtube_id']}_{row['start_time']}"),  # AudioCaps
    Rule(frozenset(_SEGMENTS), "youtube", lambda row: row["YTID"],
         lambda row: f"{row['YTID']}_{_seconds(row['start_seconds'])}"),  # AudioSet
    Rule(frozenset(_VGGSOUND), "youtube", lambda row: row["youtube_id"],
         lambda row: f"{row['youtube_id']}_{_seconds(row['start']):0>6}"),
    Rule(frozenset({"ytid"}), "youtube", lambda row: row["ytid"], lambda row: row["ytid"]),
    Rule(frozenset({"sound_id", "file_name"}), "freesound", lambda row: row["sound_id"],
         lambda row: row["file_name"]),  # Clotho's metadata
    Rule(frozenset({"src_file", "filename"}), "freesound", lambda row: row["src_file"],
         lambda row: Path(row["filename"]).stem),  # ESC-50
    Rule(frozenset({"fsID", "slice_file_name"}), "freesound", lambda row: row["fsID"],
         lambda row: Path(row["slice_file_name"]).stem),  # UrbanSound8K
    Rule(frozenset({"fname", "labels", "mids"}), "freesound", lambda row: row["fname"],
         lambda row: row["fname"]),  # FSD50K
    Rule(frozenset({"youtube_id"}), "youtube", lambda row: row["youtube_id"],
         lambda row: _clip(row, "youtube_id")),
    Rule(frozenset({"freesound_id"}), "freesound", lambda row: row["freesound_id"],
         lambda row: _clip(row, "freesound_id")),
)  # fmt: skip
PLACES = (  # where published sets keep such a table, in their folder
    "meta/esc50.csv", "metadata/UrbanSound8K.csv", "FSD50K.ground_truth/dev.csv",
    "FSD50K.ground_truth/eval.csv", "clotho_metadata_*.csv", "*_segments.csv", "vggsound.csv",
)  # fmt: skip


def youtube_id(clip: str) -> str | None:
    """The id in a clip's name as data sets of YouTube write it; None for names of other forms.

    `Y` before an id of 11 characters belongs to AudioSet's way (`Y<id>`, with times or without);
    in `<id>_<start>` of VGGSound and `<id>_<start>_<duration>` of YouTube-8M a first `Y` is a
    letter of the id. Source: the tables of arXiv:2411.18953.
    """
    stem = re.sub(r"\.(wav|flac|mp3|ogg|m4a|mp4)$", "", clip.strip(), flags=re.IGNORECASE)
    for form in (_PLAIN, _PREFIXED):  # no name is of both forms
        if found := form.fullmatch(stem):
            return found[1]
    return None


def read_corpus(path: Path, columns: Mapping[str, str] | None = None) -> Corpus:
    """The sources of a table, or of all tables in a published set's folder; no sound is needed.

    `columns`, site -> column, says where ids stand in a table of your own. Sites are read from
    links too. Raises EarShotError where no table tells any source.
    """
    corpus = Corpus(path.stem if path.suffix else path.name)
    tables = _tables(path)
    for table in tables:
        _read(table, columns or {}, corpus)
    if not corpus.clips_of:
        named = f"{corpus.n_clips} clips in {', '.join(table.name for table in tables[:5])}"
        raise EarShotError(
            got=f"{path}: {named}, of which no source is told",
            expected="ids or links of YouTube, Freesound, SoundBible or BBC Sound Effects",
            mend="Name the column of the ids, such as freesound=source_id.",
        )
    return corpus


def _tables(path: Path) -> list[Path]:
    """The tables at `path` that may tell sources."""
    if is_file(path):
        return [path]
    if not is_folder(path):
        raise EarShotError(
            got=f"{path}, which is not there",
            expected="a table of clips, or the folder of a data set",
            mend="Correct the path.",
        )
    found = [table for place in PLACES for table in sorted(path.glob(place))]
    if not found:
        beside = [*path.glob("*"), *path.glob("*/*")]
        found = sorted(each for each in beside if each.suffix in SUFFIXES and is_file(each))
    if not found:
        raise EarShotError(
            got=f"{path} without a table",
            expected=f"a file such as {', '.join(SUFFIXES)}",
            mend="Name the table itself.",
        )
    return found


def _read(table: Path, columns: Mapping[str, str], corpus: Corpus) -> None:
    """Add the clips of one table."""
    rows = iter(_rows(table))
    first = next(rows, None)
    if first is None:
        return
    absent = [column for column in columns.values() if column not in first]
    if absent:
        raise EarShotError(
            got=f"{table.name} without a column {absent[0]!r}",
            expected=f"one of {', '.join(first)}",
            mend="Correct the name.",
        )
    rule = next((rule for rule in RULES if rule.needs <= first.keys()), None)
    site, column = next(iter(columns.items()), ("", ""))
    unclear: list[str] = []  # names of clips whose form may be YouTube's
    for row in _again(first, rows):
        if column:
            source, clip = (site, _id(row[column], site)), _clip(row, column)
        elif rule is not None:
            source, clip = (rule.site, _id(rule.id_of(row), "")), rule.clip_of(row)
        else:
            source, clip = _linked(row), _clip(row, "id")
        if source[1]:
            corpus.clips_of[source][clip] = None
        else:
            unclear.append(clip)
    ids = [youtube_id(clip) for clip in unclear] if rule is None and not column else []
    if ids and sum(each is not None for each in ids) >= MOSTLY * len(ids):
        for clip, video in zip(unclear, ids, strict=True):
            if video is not None:
                corpus.clips_of["youtube", video][clip] = None
        corpus.n_unknown += ids.count(None)
    else:
        corpus.n_unknown += len(unclear)


def _again(first: Mapping[str, Any], rest: Iterator[Mapping[str, Any]]) -> Iterator[Any]:
    yield first
    yield from rest


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a table; of a CSV one after the other, so that memory holds ids alone."""
    if table.suffix.lower() not in (".csv", ".tsv", ".txt"):
        yield from (row.values for row in read_table(table).rows)
        return
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    header: tuple[str, ...] | None = _VGGSOUND if table.name == "vggsound.csv" else None
    delimiter = "\t" if table.suffix.lower() == ".tsv" else ","
    with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        for cells in csv.reader(file, delimiter=delimiter, skipinitialspace=True):
            if not cells:
                continue
            if cells[0].startswith("#"):  # AudioSet's segments, whose header is a comment
                header = _SEGMENTS
            elif header is None:
                header = tuple(cell.strip() for cell in cells)
            elif len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))


def _id(value: Any, site: str) -> str:
    """An id as it is compared; empty where a cell says that there is none."""
    text = "" if value is None else str(value).strip()
    if text.lower() in ("", "nan", "none", "not found"):
        return ""
    return (youtube_id(text) or text) if site == "youtube" else text


def _linked(row: Mapping[str, Any]) -> Source:
    """The source that a link of the row tells, as WavCaps and others give it."""
    for column in _LINK_COLUMNS:
        for site, form in _LINKS:
            if found := form.search(str(row.get(column) or "")):
                return site, found[1]
    return "", ""


def _clip(row: Mapping[str, Any], other: str) -> str:
    """What a clip is called in its table."""
    name = next((row[column] for column in (*_ID_COLUMNS, other) if row.get(column)), "")
    return str(name)


def _seconds(text: str) -> str:
    """30.000 -> 30, as clips of the layouts are called."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.strip()
