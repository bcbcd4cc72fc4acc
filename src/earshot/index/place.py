"""Where an index lies: beside its sounds, in the user's cache, or where --index says."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path, PurePosixPath

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder, is_there
from earshot.core.urls import is_url, quoted

FOLDER = ".earshot"
Root = Path | str  # the folder that sounds lie in; a string where it is the URL of one


def is_remote(place: str | Path) -> bool:
    """True for object storage: s3://, gs://, az:// and the like."""
    return is_url(str(place))


def named_root(folder: str | Path) -> Root:
    """A folder of sounds as it was named: a path, or the URL of one, without a slash at its end."""
    if not is_url(folder):
        return Path(folder)
    place, mark, query = quoted(str(folder)).partition("?")
    return f"{place.rstrip('/')}{mark}{query}"


def place_index(root: Root, index: str | Path | None = None) -> str:
    """Where to write the index of `root`: `index`, or ROOT/.earshot, or the user's cache.

    The cache is for sounds on object storage, for folders that cannot be written, and for names
    that the store cannot hold.
    """
    if index is not None:
        return _named(index)
    if not isinstance(root, Path):
        return str(_in_cache(root))
    beside = root.absolute() / FOLDER
    if _can_hold(beside) and os.access(beside if is_there(beside) else root, os.W_OK):
        return str(beside)
    return str(_in_cache(root))


def find_index(start: Root | None = None, index: str | Path | None = None) -> str:
    """Where to read: `index`, or that of `start` or the nearest folder above that has one."""
    if index is not None:
        if not is_remote(index) and not is_folder(index):
            raise EarShotError(
                got=f"--index {index}, which is not a folder",
                expected="a folder that `earshot index` wrote",
                mend="Correct the path, or make it: earshot index DIR --index " + str(index),
            )
        return _named(index)
    if isinstance(start, str):
        candidates, about = [_in_cache(start)], f"{start}, which has no index on this machine"
    else:
        begin = (start or Path()).absolute()
        above = (begin, *begin.parents)
        candidates = [place for each in above for place in (each / FOLDER, _in_cache(each))]
        about = f"{begin}, which has no index, nor has any folder above it"
    for place in candidates:
        if _can_hold(place) and is_folder(place):
            return str(place)
    raise EarShotError(
        got=about,
        expected="a folder that was indexed",
        mend=f"Run: earshot index {start or '.'}",
    )


def root_word(root: Root, place: str) -> str:
    """The root as settings keep it: relative when the index lies in it, so both can move."""
    if not isinstance(root, Path):
        return root
    absolute = root.absolute()
    if not is_remote(place) and Path(place).parent == absolute:
        return ".."
    return str(absolute)


def last_part(root: Root) -> str:
    """What people call the folder: the last part of its path or URL."""
    return PurePosixPath(root.partition("?")[0]).name if isinstance(root, str) else root.name


def absolute(root: Root) -> str:
    """The root as text that means the same from any working folder."""
    return root if isinstance(root, str) else str(root.absolute())


def root_of(place: str, word: str) -> Root:
    """The folder of the sounds, from where the index lies and what its settings say."""
    if is_url(word):
        return word
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


def _in_cache(root: Root) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256(os.fsencode(absolute(root))).hexdigest()[:16]
    return Path(base) / "earshot" / "index" / digest
