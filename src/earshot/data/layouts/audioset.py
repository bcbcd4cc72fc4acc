"""AudioSet: *_segments.csv, class names, downloaded sounds. Source: Gemmeke et al., 2017."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import first_named, missing, sounds_by_stem, video_stems
from earshot.data.tables import read_table


def matches(folder: Path) -> bool:
    """Whether the folder holds segments of AudioSet."""
    return any(folder.glob("*_segments.csv"))


def read(folder: Path) -> ClipSet:
    """10 s clips with several labels; splits balanced_train, unbalanced_train, eval.

    Labels are in the published order of class_labels_indices.csv where it is there, as the
    outputs of published taggers are; else sorted, named by ontology.json. Clips whose sound is
    not there are warnings: many have left the web.
    """
    names, ordered = _names(folder)
    sounds = sounds_by_stem(folder)
    faults: list[LoadFault] = []
    clips = []
    for path in sorted(folder.glob("*_segments.csv")):
        split = path.stem.removesuffix("_segments")
        for line, cells in _segments(path, faults):
            video, start_s, end_s = cells[0], float(cells[1]), float(cells[2])
            mids = cells[3].split(",")
            faults += [_unnamed(path, line, mid) for mid in mids if mid not in names]
            stems = video_stems(video, start_s, end_s)
            audio = first_named(sounds, stems)
            if audio is None:
                faults.append(missing(path, line, video, stems, "warning"))
                continue
            clips.append(
                Clip(
                    audio,
                    labels=tuple(names[mid] for mid in mids if mid in names),
                    split=split,
                    id=f"{video}_{start_s:g}",
                    group=video,
                    extra={"mids": mids, "start_time": start_s},
                    file=path.name,
                    lines=(line,),
                )
            )
    labels = list(names.values()) if ordered else None
    return ClipSet(clips, name="AudioSet", labels=labels, faults=faults)


def _segments(path: Path, faults: list[LoadFault]) -> Iterator[tuple[int, list[str]]]:
    """Rows of `YTID, start_seconds, end_seconds, "mid,mid"` after comment lines."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        for line, cells in enumerate(csv.reader(file, skipinitialspace=True), start=1):
            if not cells or cells[0].startswith("#"):
                continue
            try:
                float(cells[1]), float(cells[2]), cells[3]
            except (ValueError, IndexError):
                faults.append(_bad_row(path, line, cells))
            else:
                yield line, cells


def _names(folder: Path) -> tuple[dict[str, str], bool]:
    """Class names by machine id, and whether they are in the published order."""
    indices, ontology = folder / "class_labels_indices.csv", folder / "ontology.json"
    if indices.is_file():
        rows = read_table(indices, need=("mid", "display_name")).rows
        return {row.values["mid"]: row.values["display_name"] for row in rows}, True
    if ontology.is_file():
        rows = read_table(ontology, need=("id", "name")).rows
        return {row.values["id"]: row.values["name"] for row in rows}, False
    raise EarShotError(
        got=f"{folder} without the names of AudioSet's classes",
        expected="class_labels_indices.csv or ontology.json beside the segments",
        mend="Download either from AudioSet's page into that folder.",
    )


def _unnamed(path: Path, line: int, mid: str) -> LoadFault:
    return LoadFault(
        kind="unknown_label",
        file=path.name,
        line=line,
        got=f"class {mid}",
        expected="one of the classes whose names are given",
        mend="Use the class names of the same release as the segments.",
        severity="warning",
    )


def _bad_row(path: Path, line: int, cells: list[str]) -> LoadFault:
    return LoadFault(
        kind="bad_row",
        file=path.name,
        line=line,
        got=f"{cells}",
        expected='YTID, start_seconds, end_seconds, "classes"',
        mend="Download the file again.",
    )
