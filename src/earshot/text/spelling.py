"""What of a text is spoken: its letters, as a model that hears them spells them."""

from __future__ import annotations

import unicodedata


def spoken_letters(text: str) -> str:
    """Lower-case letters (with their marks) and digits of any script, single spaces between words.

    Punctuation becomes a space, an apostrophe inside a word nothing at all. A fraction or a raised
    digit stands apart from the number before it.
    """
    apart = "".join(f" {c} " if unicodedata.category(c) == "No" else c for c in text)
    kept = []
    for character in unicodedata.normalize("NFKC", apart).lower():
        kind = unicodedata.category(character)
        if kind[0] in "LMN":
            kept.append(character)
        elif character not in "'’ʼ":
            kept.append(" ")
    return " ".join("".join(kept).split())
