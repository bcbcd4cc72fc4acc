"""What is wrong with a caption: nothing in it, too much in it, or a machine's notes left in it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

LONGEST = 1_000  # characters; the text towers in use read 64 to 512 tokens
LEAKS = (  # what generated captions carry over: public threads count up to 6 % of a set
    (re.compile(r"[\[\]{}<>]"), "brackets"),
    (re.compile(r"(?<![\d.,])[01]?\.\d{2,}(?![\d.])"), "a score"),
    (re.compile(r"\d\s?%"), "a percentage"),
    (re.compile(r"\blabels?\b", re.IGNORECASE), "the word label"),
    (re.compile(r"/[mtg]/[0-9a-z_]{3,}"), "a class id"),
    (re.compile(r"\w_\w"), "an underscore"),
    (re.compile(r"https?://|www\.", re.IGNORECASE), "a link"),
    (re.compile(r"\bas an ai\b|\blanguage model\b", re.IGNORECASE), "a chatbot's phrase"),
    (re.compile(r"^\s*(captions?|output|answer|description)\s*:", re.IGNORECASE), "a field name"),
)


class CaptionFault(NamedTuple):
    """One thing wrong with one caption."""

    kind: str
    got: str
    expected: str
    mend: str


def caption_faults(caption: str) -> list[CaptionFault]:
    """Everything that is wrong with a caption; empty when it is fine."""
    if not caption.strip():
        return [
            CaptionFault("empty_caption", "no text", "a sentence", "Write one, or drop the row.")
        ]
    found = []
    shown = repr(caption if len(caption) <= 60 else f"{caption[:57]}...")
    if len(caption) > LONGEST:
        found.append(
            CaptionFault(
                "long_caption",
                f"a caption of {len(caption):,} characters",
                f"at most {LONGEST:,}; what follows is not read by a model",
                "Shorten it to a sentence or two.",
            )
        )
    odd = sorted({letter for letter in caption if unicodedata.category(letter) in ("Cc", "Cs")})
    if odd:
        codes = ", ".join(f"U+{ord(letter):04X}" for letter in odd[:5])
        found.append(
            CaptionFault(
                "control_character",
                f"{codes} in {shown}",
                "text without line breaks and control characters",
                "Replace them by spaces.",
            )
        )
    leaks = [name for pattern, name in LEAKS if pattern.search(caption[: 10 * LONGEST])]
    if leaks:
        found.append(
            CaptionFault(
                "caption_leak",
                f"{' and '.join(leaks)} in {shown}",
                "words that describe a sound",
                "Write what is heard; these are a machine's notes.",
            )
        )
    return found
