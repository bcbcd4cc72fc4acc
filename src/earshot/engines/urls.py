"""Sounds on object storage: s3://, gs://, file:// and whatever fsspec knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from earshot.core.errors import EarShotError
from earshot.core.network import require_network
from earshot.core.urls import below, is_url, quoted

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

MAX_BYTES = 2_000_000_000  # of one object; it is held in memory while it is decoded
LOCAL = ("file://", "memory://", "mock://")


@dataclass(frozen=True)
class StoredSound:
    """A sound on object storage, as its listing tells."""

    name: str  # below the URL that was listed, with slashes
    url: str
    size: int  # bytes; -1 where the storage does not tell
    mtime_ns: int  # of its last change; -1 where the storage does not tell


def fetch(url: str) -> bytes:
    """The bytes of an object. Raises EarShotError when it cannot be had, OSError when cut off."""
    files, path = _files(url)
    info = files.get_file_info(path)
    if not info.is_file:
        raise EarShotError(
            got=f"{url}, where there is no object",
            expected="a sound",
            mend="Correct the URL.",
        )
    if info.size is not None and info.size > MAX_BYTES:
        raise EarShotError(
            got=f"{url} of {info.size:,} bytes",
            expected=f"at most {MAX_BYTES:,}, which fit into memory",
            mend="Copy it to a disk, or cut it.",
        )
    with files.open_input_stream(path) as stream:
        return bytes(stream.read())


def hash_of_url(url: str) -> str:
    """32 hex digits of an object's bytes, as `jobs.content.content_hash` of a file's."""
    return hashlib.blake2b(fetch(url), digest_size=16).hexdigest()


def facts_of_url(url: str) -> tuple[int, int]:
    """Bytes of an object and nanoseconds of its last change; -1 for what its storage tells not."""
    files, path = _files(url)
    return _facts(files.get_file_info(path))


def find_sounds(paths: Iterable[str | Path]) -> Iterator[Path | str]:
    """Sounds of files, folders and URLs, in a stable order; a URL may name a folder, too.

    As `audio.find_audio` for what lies on disk. Below a URL names that begin with a dot are left
    out, and those without a known sound suffix.
    """
    from earshot.audio import find_audio

    for path in paths:
        if is_url(path):
            try:
                yield from [sound.url for sound in stored_sounds(str(path))]
            except EarShotError:  # reading it will say what is wrong
                yield str(path)
        else:
            yield from find_audio([path])


def stored_sounds(url: str) -> list[StoredSound]:
    """The sound at a URL, or those below it, by name; one listing, nothing is read.

    Raises EarShotError where nothing lies at or below the URL.
    """
    from pyarrow.fs import FileSelector

    from earshot.audio.find import AUDIO_SUFFIXES

    files, path = _files(url)
    there = files.get_file_info(path)
    if there.is_file:
        return [StoredSound(PurePosixPath(path).name, url, *_facts(there))]
    found = files.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
    if not found:
        raise EarShotError(
            got=f"{url}, where nothing lies",
            expected="a sound, or a place with sounds below it",
            mend="Correct the URL.",
        )
    sounds = []
    for info in sorted((info for info in found if info.is_file), key=lambda info: info.path):
        name = info.path.removeprefix(path).strip("/")
        hidden = any(part.startswith(".") for part in name.split("/"))
        if not hidden and Path(name).suffix.lower() in AUDIO_SUFFIXES:
            sounds.append(StoredSound(name, str(below(url, name)), *_facts(info)))
    return sounds


def _facts(info: FileInfo) -> tuple[int, int]:
    size, mtime_ns = info.size, info.mtime_ns
    return (-1 if size is None else size), (-1 if mtime_ns is None else mtime_ns)


def _files(url: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and the path in it; faults become a sentence."""
    if not url.startswith(LOCAL):
        require_network(url, mend="Copy the sounds to a disk, or leave out --offline.")
    parts = urlsplit(quoted(url))
    if parts.scheme in ("s3", "gs"):  # a bucket's region is looked up once, not for every object
        query = f"?{parts.query}" if parts.query else ""
        files, bucket = _system(f"{parts.scheme}://{parts.netloc}{query}")
        return files, f"{bucket}{unquote(parts.path)}"
    return _system(quoted(url))


@lru_cache(maxsize=64)
def _system(url: str) -> tuple[FileSystem, str]:
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        return FileSystem.from_uri(url)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as plain:
        try:
            import fsspec

            files, path = fsspec.core.url_to_fs(unquote(url))
        except (ImportError, ValueError, OSError) as fault:
            raise EarShotError(
                got=f"{url}: {str(plain).strip().partition(chr(10))[0]}",
                expected="a URL whose storage can be reached",
                mend="Check scheme and credentials; other storages need their fsspec package.",
            ) from fault
        return PyFileSystem(FSSpecHandler(files)), path
