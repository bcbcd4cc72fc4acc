"""VGGSound: vggsound.csv and cuts named <video>_<start>. Source: arXiv:2004.14368."""

from __future__ import annotations

from pathlib import Path

from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import first_named, missing, sounds_by_stem, video_stems
from earshot.data.tables import read_table

HEADER = ("youtube_id", "start", "label", "split")  # the file itself has none
LENGTH_S = 10.0


def matches(folder: Path) -> bool:
    """Whether the folder holds VGGSound."""
    return (folder / "vggsound.csv").is_file()


def read(folder: Path) -> ClipSet:
    """10 s clips of 309 classes, sound files or videos; splits train and test.

    Clips whose sound is not there are warnings: many have left the web.
    """
    table = read_table(folder / "vggsound.csv", header=HEADER)
    sounds = sounds_by_stem(folder)
    faults, clips = list(table.faults), []
    for row in table.rows:
        video, start = row.values["youtube_id"], row.values["start"]
        if not start.strip().isdigit():
            faults.append(_bad_start(table.path, row.line, start))
            continue
        stems = [
            f"{video}_{int(start):06d}",
            *video_stems(video, int(start), int(start) + LENGTH_S),
        ]
        audio = first_named(sounds, stems)
        if audio is None:
            faults.append(missing(table.path, row.line, stems[0], stems, "warning"))
            continue
        clips.append(
            Clip(
                audio,
                labels=(row.values["label"],),
                split=row.values["split"],
                id=stems[0],
                group=video,
                extra={"start_time": int(start)},
                file=table.path.name,
                lines=(row.line,),
            )
        )
    labels = sorted({row.values["label"] for row in table.rows})
    return ClipSet(clips, name="VGGSound", labels=labels, faults=faults)


def _bad_start(path: Path, line: int, start: str) -> LoadFault:
    return LoadFault(
        kind="bad_number",
        file=path.name,
        line=line,
        field="start",
        got=repr(start),
        expected="whole seconds",
        mend="Download the file again.",
    )
