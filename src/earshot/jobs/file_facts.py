"""What tells, without reading it, that a sound is as it was."""

from __future__ import annotations

from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.urls import is_url
from earshot.engines.urls import facts_of_url

Facts = tuple[int, int]  # bytes, nanoseconds of its last change; -1 where there is no such file


def facts_of(source: Path | str) -> Facts:
    """Size and time of a file, or of the object behind a URL."""
    try:
        if is_url(source):
            return facts_of_url(str(source))
        found = Path(source).stat()
    except (OSError, EarShotError):  # reading it will say what is wrong
        return -1, -1
    return found.st_size, found.st_mtime_ns
