"""GTZAN: genres_original/<genre>/<genre>.00000.wav. Source: Tzanetakis and Cook, 2002."""

from __future__ import annotations

from pathlib import Path

from earshot.audio import AudioError, find_audio, probe_audio
from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.tables import read_table

FOLDERS = ("genres_original", "Data/genres_original", "genres")  # the mirrors and the first release
BROKEN = "jazz.00054"  # no sound in the copies that most mirrors spread
FILTERED = {"train": "train_filtered", "val": "valid_filtered", "test": "test_filtered"}


def matches(folder: Path) -> bool:
    """Whether the folder holds GTZAN."""
    return any((folder / name / "blues").is_dir() for name in FOLDERS)


def read(folder: Path) -> ClipSet:
    """1,000 clips of 30 s in 10 genres, without jazz.00054 where its file is broken (a warning).

    Splits are those of Sturm's fault-filtered lists (train_filtered.txt, valid_filtered.txt,
    test_filtered.txt) where they lie in the folder; tracks in none of them have no split.
    """
    root = next(folder / name for name in FOLDERS if (folder / name / "blues").is_dir())
    splits = _filtered(folder)
    faults, clips = [], []
    for audio in find_audio([root]):
        genre = audio.parent.name
        if audio.stem == BROKEN and (fault := _broken(audio)):
            faults.append(fault)
            continue
        clips.append(Clip(audio, labels=(genre,), split=splits.get(audio.stem), id=audio.stem))
    return ClipSet(clips, name="GTZAN", faults=faults)


def _broken(audio: Path) -> LoadFault | None:
    try:
        probe_audio(audio)
    except AudioError as fault:
        return LoadFault(
            kind="bad_audio",
            file=f"{audio.parent.name}/{audio.name}",
            got=fault.got,
            expected="a sound",
            mend="Nothing: this track is known to be broken, and is left out.",
            severity="warning",
            clip=audio.stem,
        )
    return None


def _filtered(folder: Path) -> dict[str, str]:
    """Split by track: lists with a line such as blues/blues.00029.wav for each."""
    splits: dict[str, str] = {}
    for split, name in FILTERED.items():
        path = folder / f"{name}.txt"
        if is_file(path):
            rows = read_table(path, header=("path",)).rows
            splits |= {Path(row.values["path"].strip()).stem: split for row in rows}
    return splits
