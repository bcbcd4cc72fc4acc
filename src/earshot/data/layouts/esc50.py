"""ESC-50: meta/esc50.csv and audio/. Source: K. J. Piczak, 2015, github.com/karolpiczak/ESC-50."""

from __future__ import annotations

from pathlib import Path

from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.layouts.on_disk import missing, spaced
from earshot.data.tables import read_table

KEPT = ("fold", "target", "esc10", "take")
COLUMNS = ("filename", "category", "src_file", *KEPT)


def matches(folder: Path) -> bool:
    """Whether the folder holds ESC-50."""
    return (folder / "meta" / "esc50.csv").is_file()


def read(folder: Path) -> ClipSet:
    """2,000 clips of 5 s in 50 classes; five folds, clips of one source share a group."""
    table = read_table(folder / "meta" / "esc50.csv", need=COLUMNS)
    faults, clips = list(table.faults), []
    for row in table.rows:
        name = row.values["filename"]
        audio = folder / "audio" / name
        if not is_file(audio):
            faults.append(missing(table.path, row.line, name, [f"audio/{name}"], "error"))
            continue
        clips.append(
            Clip(
                audio,
                labels=(spaced(row.values["category"]),),
                id=Path(name).stem,
                group=row.values["src_file"],
                extra={key: row.values[key] for key in KEPT},
                file=table.path.name,
                lines=(row.line,),
            )
        )
    return ClipSet(clips, name="ESC-50", faults=faults)
