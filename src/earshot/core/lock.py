"""One writer at a time; the system lets go of the lock when its holder dies, however it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earshot.core.errors import EarShotError

NAME = "writer.lock"


@contextmanager
def one_writer(folder: Path, name: str = NAME) -> Iterator[None]:
    """Hold `folder` for writing; a second writer is refused with a sentence, not kept waiting."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / name).open("a+b")
    except OSError as fault:
        raise EarShotError(
            got=f"{folder}, which cannot be written ({fault.strerror or fault})",
            expected="a folder to write in, and room on its disk",
            mend="Mend that, or name another place.",
        ) from fault
    with handle:
        try:
            _take(handle.fileno())
        except OSError as fault:
            raise EarShotError(
                got=f"{folder}, which another process is writing ({fault.strerror or fault})",
                expected="one writer at a time",
                mend="Wait until the other one is done, then run this again.",
            ) from fault
        yield


def _take(descriptor: int) -> None:
    """Lock the file without waiting; OSError when another process has it."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
