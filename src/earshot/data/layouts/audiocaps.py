"""AudioCaps: its CSV files beside a folder of downloaded sounds. Source: Kim et al., 2019."""

from __future__ import annotations

from pathlib import Path

from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.faults import LoadFault
from earshot.data.layouts.on_disk import first_named, missing, sounds_by_stem, video_stems
from earshot.data.manifest import merged
from earshot.data.tables import read_table

HEADER = "audiocap_id,youtube_id,start_time,caption"
LENGTH_S = 10.0


def matches(folder: Path) -> bool:
    """Whether the folder, or one right in it, holds a CSV file of AudioCaps."""
    return bool(_tables(folder))


def read(folder: Path) -> ClipSet:
    """10 s clips with one caption (train) or five (val, test).

    Sounds may be named by the video, `Y` before it or not, with or without times, or by
    audiocap_id. Clips whose sound is not there are warnings: many have left the web.
    """
    sounds = sounds_by_stem(folder)
    faults: list[LoadFault] = []
    clips: dict[tuple[str, str], Clip] = {}
    for path in _tables(folder):
        table = read_table(path)
        faults += table.faults
        for row in table.rows:
            video, start = row.values["youtube_id"], row.values["start_time"]
            try:
                start_s = float(start)
            except ValueError:
                faults.append(_bad_start(path, row.line, start))
                continue
            stems = [*video_stems(video, start_s, start_s + LENGTH_S), row.values["audiocap_id"]]
            audio = first_named(sounds, stems)
            first = clips.get((video, start))
            if audio is None and first is None:
                faults.append(missing(path, row.line, f"{video}_{start}", stems, "warning"))
                continue
            clip = Clip(
                audio or first.audio,  # type: ignore[union-attr]
                captions=(row.values["caption"],),
                split=_split(path),
                id=f"{video}_{start}",
                group=video,
                extra={"audiocap_id": row.values["audiocap_id"], "start_time": start},
                file=path.name,
                lines=(row.line,),
            )
            clips[video, start] = merged(first, clip) if first else clip
    return ClipSet(clips.values(), name="AudioCaps", faults=faults)


def _tables(folder: Path) -> list[Path]:
    found = sorted([*folder.glob("*.csv"), *folder.glob("*/*.csv")])
    return [path for path in found if path.is_file() and _header(path) == HEADER]


def _header(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(1_000).decode("utf-8-sig", "replace").strip()


def _split(path: Path) -> str:
    return next((name for name in ("train", "val", "test") if name in path.stem), path.stem)


def _bad_start(path: Path, line: int, start: str) -> LoadFault:
    return LoadFault(
        kind="bad_number",
        file=path.name,
        line=line,
        field="start_time",
        got=repr(start),
        expected="seconds",
        mend="Download the file again.",
    )
