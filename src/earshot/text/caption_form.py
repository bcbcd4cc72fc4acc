"""The form in which the caption sets of one family of models are read: lower case, few marks."""

from __future__ import annotations

import re

BEFORE_MARK = re.compile(r"\s([,.!?;:\"](?:\s|$))")
MARKS = re.compile(r"[(,.!?;:|*\")]")


def plain_caption(text: str) -> str:
    """A caption in lower case, each mark of punctuation a space: what ASE models are trained on.

    "A dog barks , twice." -> "a dog barks twice". Apostrophes and hyphens stay.
    Source: arXiv:2303.17395, its code. Differs: runs of spaces become one, and none is left at an
    end; a tokenizer cannot tell.
    """
    unspaced = BEFORE_MARK.sub(r"\1", text.lower())
    return " ".join(MARKS.sub(" ", unspaced).split())
