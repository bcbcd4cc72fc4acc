"""What tells whether a file changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from earshot.audio.opening import open_regular


def content_hash(path: Path) -> str:
    """32 hex digits of the file's bytes.

    Raises AudioError when it cannot be read or is no regular file: a pipe would be waited for
    without end.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
