"""FSD50K: FSD50K.ground_truth/ and FSD50K.{dev,eval}_audio/. Source: arXiv:2010.00475."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import missing, spaced
from earshot.data.tables import Row, read_json, read_table


def matches(folder: Path) -> bool:
    """Whether the folder holds FSD50K."""
    return (folder / "FSD50K.ground_truth" / "dev.csv").is_file()


def read(folder: Path) -> ClipSet:
    """51,197 clips with several of 200 labels; splits train, val and test (the eval part).

    Labels are in the order of vocabulary.csv. Where FSD50K.metadata is there too, clips of one
    uploader share a group, as its authors split them.
    """
    truth = folder / "FSD50K.ground_truth"
    faults: list[LoadFault] = []
    clips: list[Clip] = []
    for part in ("dev", "eval"):
        if not (truth / f"{part}.csv").is_file():
            continue
        table = read_table(truth / f"{part}.csv", need=("fname", "labels", "mids"))
        faults += table.faults
        about = _about(folder, part)
        for row in table.rows:
            name = row.values["fname"]
            audio = folder / f"FSD50K.{part}_audio" / f"{name}.wav"
            if is_file(audio):
                clips.append(_clip(audio, row, about.get(name, {}), table.path.name))
            else:
                where = [f"{audio.parent.name}/{audio.name}"]
                faults.append(missing(table.path, row.line, name, where, "error"))
    return ClipSet(clips, name="FSD50K", labels=_vocabulary(truth), faults=faults)


def _clip(audio: Path, row: Row, about: dict[str, Any], table: str) -> Clip:
    return Clip(
        audio,
        labels=tuple(spaced(label) for label in row.values["labels"].split(",")),
        split=row.values.get("split", "test"),
        id=row.values["fname"],
        group=about.get("uploader"),
        extra={"mids": row.values["mids"].split(","), **about},
        file=table,
        lines=(row.line,),
    )


def _vocabulary(truth: Path) -> list[str] | None:
    """The 200 labels in their published order; the file has no header."""
    path = truth / "vocabulary.csv"
    if not path.is_file():
        return None
    table = read_table(path, header=("index", "name", "mid"))
    return [spaced(row.values["name"]) for row in table.rows]


def _about(folder: Path, part: str) -> dict[str, dict[str, Any]]:
    """Title, description, tags and uploader by clip, where that download is there."""
    path = folder / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json"
    return read_json(path) if path.is_file() else {}
