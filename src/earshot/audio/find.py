"""Find the sound files of folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from earshot.core.files import is_folder

# fmt: off
AUDIO_SUFFIXES = frozenset({
    ".wav", ".wave", ".w64", ".rf64", ".bwf", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2",
    ".aif", ".aiff", ".aifc", ".au", ".caf", ".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".aac",
    ".ac3", ".amr", ".3gp", ".webm", ".mka", ".mkv", ".wma", ".asf", ".avi", ".ts", ".wv", ".ape",
    ".tta",
})
# fmt: on


def find_audio(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Sound files, in a stable order: files given are yielded as they are, folders are walked.

    Walks in the order of names, follows links, and visits a folder once however many links lead to
    it. In folders only names with a known sound suffix count (AUDIO_SUFFIXES), hidden ones do not.
    What cannot be used is yielded all the same, so that whoever reads it reports it: a path that is
    not there, a dangling link, a folder that cannot be listed (it comes as itself).
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if is_folder(path):
            yield from _walk(Path(path), seen)
        else:
            yield Path(path)


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    pending = [folder]  # a stack, not recursion: folders may lie thousands deep
    while pending:
        path = pending.pop()
        if not is_folder(path):
            yield path
            continue
        try:
            facts = path.stat()
            if (facts.st_dev, facts.st_ino) in seen:
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries if _counts(entry))
        except OSError:
            yield path
            continue
        pending.extend(path / name for name in reversed(names))


def _counts(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return False
    # not entry.is_dir(), which raises for a link that leads to itself
    return Path(entry.name).suffix.lower() in AUDIO_SUFFIXES or is_folder(entry.path)
