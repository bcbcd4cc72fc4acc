"""What tells whether a sound changed: a hash of its bytes, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from earshot.audio.opening import open_regular
from earshot.engines.urls import fetch

DIGEST_BYTES = 16


def content_hash(source: Path | str) -> str:
    """32 hex digits of the bytes of a file, or of the object behind a URL.

    Raises AudioError when a file cannot be read or is no regular file: a pipe would be waited for
    without end. Raises what `fetch` raises for a URL.
    """
    if isinstance(source, str):
        return bytes_hash(fetch(source))
    with open_regular(source) as file:
        return hashlib.file_digest(file, _digest).hexdigest()


def bytes_hash(data: bytes) -> str:
    """32 hex digits of bytes that are at hand."""
    digest = _digest()
    digest.update(data)
    return digest.hexdigest()


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)
