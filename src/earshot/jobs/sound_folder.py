"""The sounds that lie in a folder or below a URL, with what tells whether they changed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.core.urls import is_url
from earshot.engines.urls import facts_of_url, hash_of_url, stored_sounds
from earshot.index.place import Root
from earshot.jobs.content import content_hash


@dataclass(frozen=True)
class Found:
    """One entry of a walk: a sound, or what is wrong with it.

    A folder that could not be listed is one entry with a fault; nobody knows what lies below it.
    """

    source: Path | str
    name: str  # below the root, with slashes
    size: int = -1  # bytes
    mtime_ns: int = -1
    fault: str = ""
    is_unlisted: bool = False


def walk(root: Root) -> Iterator[Found]:
    """All sounds of the root in a stable order.

    Raises EarShotError when there is no such folder, or nothing lies at the URL.
    """
    if isinstance(root, str):
        for each in stored_sounds(root):
            yield Found(each.url, each.name, each.size, each.mtime_ns)
        return
    if not is_folder(root):
        raise EarShotError(
            got=f"{root}, which is not a folder",
            expected="a folder of sounds",
            mend="Correct the path; single files are tagged with: earshot tag FILE.",
        )
    yield from _walk_folder(root)


def size_and_time(source: Path | str) -> tuple[int, int]:
    """Bytes, and nanoseconds of the last change. Raises OSError or EarShotError when it is gone."""
    if is_url(source):
        return facts_of_url(str(source))
    facts = Path(source).stat()
    return facts.st_size, facts.st_mtime_ns


def hash_of(source: Path | str) -> str:
    """32 hex digits of a sound's bytes, wherever it lies."""
    return hash_of_url(source) if isinstance(source, str) else content_hash(source)


def _walk_folder(root: Path) -> Iterator[Found]:
    from earshot.audio import find_audio

    for path in find_audio([root]):
        name = path.relative_to(root).as_posix()
        try:
            facts = path.stat()
        except OSError as fault:
            said = f"got {fault.strerror or fault}; expected a file that can be read."
            yield Found(path, name, fault=said)
            continue
        if stat.S_ISDIR(facts.st_mode):
            said = "got a folder that cannot be listed; expected leave to read it."
            yield Found(path, name, fault=said, is_unlisted=True)
        else:
            yield Found(path, name, facts.st_size, facts.st_mtime_ns)
