"""Blacklists: clips to leave out, such as those that stand in a test set elsewhere."""

from __future__ import annotations

from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet


def without(clips: ClipSet, blacklist: Path) -> ClipSet:
    """The clips that a file does not list by id, path or file name, one a line; # comments."""
    if not is_file(blacklist):
        raise EarShotError(
            got=f"{blacklist}, which is not a file",
            expected="a blacklist: ids or paths, one a line",
            mend="Correct the path.",
        )
    text = blacklist.read_bytes().decode("utf-8-sig", "surrogateescape")
    listed = {line.strip() for line in text.split("\n")}
    listed -= {line for line in listed if not line or line.startswith("#")}
    return clips.select(lambda clip: not listed & set(_names(clip, blacklist.parent)))


def _names(clip: Clip, folder: Path) -> list[str]:
    """What a blacklist may call a clip."""
    names = [clip.id]
    if isinstance(clip.audio, Path):
        names += [str(clip.audio), clip.audio.name, clip.audio.stem]
        if clip.audio.is_relative_to(folder):
            names.append(str(clip.audio.relative_to(folder)))
    return names
