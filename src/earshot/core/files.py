"""Files that are whole or not there: a kill at any moment leaves the old or the new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earshot.core.errors import EarShotError


def is_folder(path: str | Path) -> bool:
    """True for a folder; False for what the system cannot even look up, such as a name too long.

    Path.is_dir raises for those before Python 3.14.
    """
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: str | Path) -> bool:
    """True for a regular file; False for what the system cannot even look up."""
    return os.path.isfile(path)  # noqa: PTH113


def is_there(path: str | Path) -> bool:
    """True for anything that exists; False for what the system cannot even look up."""
    return os.path.exists(path)  # noqa: PTH110


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block succeeds it takes the place of `path`.

    A full disk, a folder in the place of the file and one that cannot be written become an
    EarShotError; `path` stays as it was.
    """
    try:
        with _part_of(path) as part:
            yield part
    except OSError as fault:
        raise EarShotError(
            got=f"{path}, which cannot be written ({fault.strerror or fault})",
            expected="a place that can be written, and room on its disk",
            mend="Mend that or name another place, and run it again; what was there is kept.",
        ) from fault


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=path.suffix)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp makes files that only their owner reads
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Remove what a killed process left half written; only for whoever is the one writer there."""
    for part in folder.glob(".part-*"):
        if is_folder(part):
            shutil.rmtree(part)
        else:
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, "utf-8")
