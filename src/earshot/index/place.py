"""Where an index lies: beside its sounds, in the user's cache, or where --index says."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder, is_there

FOLDER = ".earshot"


def is_remote(place: str | Path) -> bool:
    """True for object storage: s3://, gs://, az:// and the like."""
    return "://" in str(place)


def place_index(root: Path, index: str | Path | None = None) -> str:
    """Where to write the index of `root`: `index`, or ROOT/.earshot, or the user's cache.

    The cache is for folders that cannot be written, or whose name the store cannot hold.
    """
    if index is not None:
        return _named(index)
    beside = root.absolute() / FOLDER
    if _can_hold(beside) and os.access(beside if is_there(beside) else root, os.W_OK):
        return str(beside)
    return str(_in_cache(root))


def find_index(start: Path | None = None, index: str | Path | None = None) -> str:
    """Where to read: `index`, or that of `start` or the nearest folder above that has one."""
    if index is not None:
        if not is_remote(index) and not is_folder(index):
            raise EarShotError(
                got=f"--index {index}, which is not a folder",
                expected="a folder that `earshot index` wrote",
                mend="Correct the path, or make it: earshot index DIR --index " + str(index),
            )
        return _named(index)
    begin = (start or Path()).absolute()
    for folder in (begin, *begin.parents):
        for place in (folder / FOLDER, _in_cache(folder)):
            if _can_hold(place) and is_folder(place):
                return str(place)
    raise EarShotError(
        got=f"{begin}, which has no index, nor has any folder above it",
        expected="a folder that was indexed",
        mend=f"Run: earshot index {start or '.'}",
    )


def root_word(root: Path, place: str) -> str:
    """The root as settings keep it: relative when the index lies in it, so both can move."""
    absolute = root.absolute()
    if not is_remote(place) and Path(place).parent == absolute:
        return ".."
    return str(absolute)


def root_of(place: str, word: str) -> Path:
    """The folder of the sounds, from where the index lies and what its settings say."""
    return Path(place).parent if word == ".." else Path(word)


def _named(index: str | Path) -> str:
    """The place that --index names; one that the store cannot write is refused."""
    place = str(index) if is_remote(index) else str(Path(index).absolute())
    if not _can_hold(place):
        raise EarShotError(
            got=f"--index {place!r}",
            expected="a path in UTF-8 without control characters",
            mend="Name another folder for the index; the sounds may stay where they are.",
        )
    return place


def _can_hold(place: str | Path) -> bool:
    """False for names that the store cannot write: bytes that are not UTF-8, control characters."""
    return not any(unicodedata.category(c) in ("Cc", "Cs") for c in str(place))


def _in_cache(root: Path) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]
    return Path(base) / "earshot" / "index" / digest
