"""UrbanSound8K: metadata/UrbanSound8K.csv and audio/fold*/. Source: Salamon et al., 2014."""

from __future__ import annotations

from pathlib import Path

from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.layouts.on_disk import missing, spaced
from earshot.data.tables import read_table

KEPT = ("fold", "classID", "salience")
COLUMNS = ("slice_file_name", "class", "fsID", *KEPT)


def matches(folder: Path) -> bool:
    """Whether the folder holds UrbanSound8K."""
    return (folder / "metadata" / "UrbanSound8K.csv").is_file()


def read(folder: Path) -> ClipSet:
    """8,732 clips of up to 4 s in 10 classes; ten folds, clips of one recording share a group."""
    table = read_table(folder / "metadata" / "UrbanSound8K.csv", need=COLUMNS)
    faults, clips = list(table.faults), []
    for row in table.rows:
        name = f"audio/fold{row.values['fold']}/{row.values['slice_file_name']}"
        audio = folder / name
        if not is_file(audio):
            faults.append(missing(table.path, row.line, audio.stem, [name], "error"))
            continue
        clips.append(
            Clip(
                audio,
                labels=(spaced(row.values["class"]),),
                id=audio.stem,
                group=row.values["fsID"],
                extra={key: row.values[key] for key in KEPT},
                file=table.path.name,
                lines=(row.line,),
            )
        )
    return ClipSet(clips, name="UrbanSound8K", faults=faults)
