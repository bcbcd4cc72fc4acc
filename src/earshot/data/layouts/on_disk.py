"""What of a published set lies on disk: sounds by name, and faults for those that do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from earshot.audio import find_audio
from earshot.data.faults import LoadFault, Severity

EXPIRED = "Nothing, if it has left the web, as many have; else download it again."


def sounds_by_stem(folder: Path) -> dict[str, Path]:
    """Every sound under a folder by its name without suffix; the first one where names repeat."""
    found: dict[str, Path] = {}
    for path in find_audio([folder]):
        found.setdefault(path.stem, path)
    return found


def first_named(sounds: dict[str, Path], stems: Iterable[str]) -> Path | None:
    """The sound that bears the first of the names under which users keep it."""
    return next((sounds[stem] for stem in stems if stem in sounds), None)


def video_stems(video: str, start_s: float, end_s: float) -> list[str]:
    """Names that downloaders give to a cut of a video: by id alone, or with times in s or ms."""
    start, end = f"{start_s:g}", f"{end_s:g}"
    in_ms = f"{round(start_s * 1000)}_{round(end_s * 1000)}"
    padded = f"{int(start_s):06d}"
    cuts = [f"{video}_{cut}" for cut in (start, f"{start}_{end}", in_ms, padded)]
    cuts += [f"{video}_{start_s:.3f}_{end_s:.3f}", f"{video}_{padded}_{int(end_s):06d}"]
    return [name for stem in (*cuts, video) for name in (stem, f"Y{stem}")]


def missing(
    table: Path, line: int, clip: str, stems: Sequence[str], severity: Severity
) -> LoadFault:
    """The fault of a row whose sound does not lie on disk."""
    mend = EXPIRED if severity == "warning" else "Download or unpack the set again."
    return LoadFault(
        kind="missing_audio",
        file=table.name,
        line=line,
        got=f"clip {clip}, whose sound is not there",
        expected=f"a sound such as {stems[0]}",
        mend=mend,
        severity=severity,
        clip=clip,
    )


def spaced(label: str) -> str:
    """A label in words: dog_bark -> dog bark."""
    return " ".join(label.replace("_", " ").split())
