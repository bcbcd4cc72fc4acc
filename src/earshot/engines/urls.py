"""Sounds on object storage: s3://, gs://, file:// and whatever fsspec knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.core.network import require_network

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

MAX_BYTES = 2_000_000_000  # of one object; it is held in memory while it is decoded
LOCAL = ("file://", "memory://", "mock://")


def is_url(source: object) -> bool:
    """True for "scheme://...", never for a Path."""
    return isinstance(source, str) and "://" in source


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


def facts_of_url(url: str) -> tuple[int, int]:
    """Bytes of an object and nanoseconds of its last change; -1 for what its storage tells not."""
    files, path = _files(url)
    info = files.get_file_info(path)
    size, mtime_ns = info.size, info.mtime_ns
    return (-1 if size is None else size), (-1 if mtime_ns is None else mtime_ns)


def find_sounds(paths: Iterable[str | Path]) -> Iterator[Path | str]:
    """Sounds of files, folders and URLs, in a stable order; a URL may name a folder, too.

    As `audio.find_audio` for what lies on disk. Below a URL names that begin with a dot are left
    out, and those without a known sound suffix.
    """
    from earshot.audio import find_audio

    for path in paths:
        if is_url(path):
            yield from _below(str(path))
        else:
            yield from find_audio([path])


def _below(url: str) -> Iterator[str]:
    from pyarrow.fs import FileSelector

    from earshot.audio.find import AUDIO_SUFFIXES

    files, path = _files(url)
    if files.get_file_info(path).is_file:
        yield url
        return
    found = files.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
    names = sorted(info.path for info in found if info.is_file)
    for name in names:
        inside = name.removeprefix(path).strip("/")
        hidden = any(part.startswith(".") for part in inside.split("/"))
        if not hidden and Path(name).suffix.lower() in AUDIO_SUFFIXES:
            yield f"{url.rstrip('/')}/{inside}"


def _files(url: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and the path in it; faults become a sentence."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    if not url.startswith(LOCAL):
        require_network(url, mend="Copy the sounds to a disk, or leave out --offline.")
    try:
        return FileSystem.from_uri(url)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as plain:
        try:
            import fsspec

            files, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as fault:
            raise EarShotError(
                got=f"{url}: {str(plain).strip().partition(chr(10))[0]}",
                expected="a URL whose storage can be reached",
                mend="Check scheme and credentials; other storages need their fsspec package.",
            ) from fault
        return PyFileSystem(FSSpecHandler(files)), path
