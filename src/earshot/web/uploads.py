"""Uploaded sounds: a temporary file for as long as they are needed, and never longer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from fastapi import UploadFile

CHUNK = 1 << 20  # bytes


@asynccontextmanager
async def held(upload: UploadFile, folder: Path) -> AsyncIterator[Path]:
    """The upload as a file in `folder` within the block, gone after it whatever happens.

    Its own name is only used to speak of it: faults in the block call the sound by that name.
    """
    name = spoken(upload.filename)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-") as file:
        while chunk := await upload.read(CHUNK):
            await asyncio.to_thread(file.write, chunk)
        file.flush()
        path = Path(file.name)
        with spoken_of_as(path, name):
            yield path


def spoken(filename: str | None) -> str:
    """What to call an upload: the last part of its name, short and printable."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(c if c.isprintable() else "?" for c in last)[:120]
    return shown.encode("utf-8", "replace").decode() or "your sound"


@contextmanager
def spoken_of_as(path: Path, name: str) -> Iterator[None]:
    """Faults within name `name`, not where on this server the sound lies."""
    try:
        yield
    except EarShotError as fault:
        got = fault.got.replace(repr(str(path)), name).replace(str(path), name)
        raise type(fault)(got=got, expected=fault.expected, mend=fault.mend) from fault
