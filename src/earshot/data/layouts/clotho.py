"""Clotho: clotho_captions_<split>.csv and the sounds of each split. Source: arXiv:1910.09387."""

from __future__ import annotations

from pathlib import Path

from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import missing
from earshot.data.tables import read_table

CAPTIONS = tuple(f"caption_{n}" for n in range(1, 6))


def matches(folder: Path) -> bool:
    """Whether the folder holds captions of Clotho."""
    return any(folder.glob("clotho_captions_*.csv"))


def read(folder: Path) -> ClipSet:
    """15-30 s clips with five captions; splits development, validation, evaluation.

    The sounds of a split lie in clotho_audio_<split>/, in <split>/, or in one in the other. Where
    clotho_metadata_<split>.csv is there, it gives keywords, and clips of one Freesound sound share
    a group.
    """
    faults: list[LoadFault] = []
    clips = []
    for path in sorted(folder.glob("clotho_captions_*.csv")):
        split = path.stem.removeprefix("clotho_captions_")
        table = read_table(path, need=("file_name", CAPTIONS[0]))
        faults += table.faults
        about = _metadata(folder / f"clotho_metadata_{split}.csv")
        for row in table.rows:
            name = row.values["file_name"]
            audio = _find(folder, split, name)
            if audio is None:
                where = [f"clotho_audio_{split}/{name}"]
                faults.append(missing(path, row.line, name, where, "error"))
                continue
            captions = [row.values[field] for field in CAPTIONS if row.values.get(field)]
            facts = about.get(name, {})
            clips.append(
                Clip(
                    audio,
                    captions=tuple(dict.fromkeys(captions)),
                    split=split,
                    id=f"{split}/{name}",
                    group=facts.get("sound_id") or None,
                    extra=facts,
                    file=path.name,
                    lines=(row.line,) * len(set(captions)),
                )
            )
    return ClipSet(clips, name="Clotho", faults=faults)


def _find(folder: Path, split: str, name: str) -> Path | None:
    places = (f"clotho_audio_{split}", split, f"clotho_audio_{split}/{split}", f"audio/{split}")
    return next((p for place in places if (p := folder / place / name).is_file()), None)


def _metadata(path: Path) -> dict[str, dict[str, str]]:
    """Keywords, sound_id and the like by file name."""
    if not path.is_file():
        return {}
    return {
        row.values["file_name"]: {k: v for k, v in row.values.items() if k != "file_name"}
        for row in read_table(path, need=("file_name",)).rows
    }
