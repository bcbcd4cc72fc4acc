"""Text that any tokenizer can take."""

from __future__ import annotations

import unicodedata


def clean(text: str, *, max_characters: int = 20_000) -> str:
    """`text` without control characters and lone surrogates, no longer than any model reads.

    Control characters become spaces; characters of broken file names become U+FFFD.
    """
    cut = text[:max_characters]
    return "".join(_safe(character) for character in cut)


def _safe(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc":
        return " "
    return "\ufffd" if kind == "Cs" else character
