"""Answers that say that there is nothing: dropped before anything is written from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item

NAME = "filter_notes"
RELEASED = {  # arXiv:2411.18953, released code: a line with one of these is dropped
    "speech": ("no speech", "does not", "is not"),
    "music": ("no music", "does not", "is not"),
}
_WHAT = {
    "speech": r"(?:human |audible |discernible |clear |spoken )?"
    r"(?:speech|speaking|speaker|voices?|talking|dialogue|conversation|spoken words?|vocals?)",
    "music": r"(?:audible |discernible |clear |background )?"
    r"(?:music(?:al)?(?: elements?| instruments?| content)?|melody|songs?|instruments?)",
}
_NONE = r"\b(?:no|not any|without(?: any)?|lacks?(?: any)?|absence of|devoid of)\s+"
_DENIED = (
    r"\b(?:does|do|did)(?: not|n't)\s+(?:\w+\s+){0,2}?"
    r"(?:contain|include|have|feature|involve|mention)\b"
)
_ABSENT = r"\b(?:is|are|was|were)(?: not|n't)\s+(?:any|present|audible|heard|mentioned|detected)\b"
_NOBODY = re.compile(r"\b(?:no ?one|no-one|nobody|no (?:people|person|man|woman)) "
                     r"(?:is |are |was |can be heard )?(?:speak|talk|sing)")  # fmt: skip
_EMPTY = re.compile(r"^\W*(?:none|n/?a|nothing|no|not applicable)\W*$", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|;\s+")


@dataclass(frozen=True)
class NoteFilter:
    """Drops what says that there is no speech, or no music.

    "sentences" looks at one sentence after the other: those that deny all speech or music go, the
    rest of the line stays. "A woman speaks; the language is not clear." stays whole. "released"
    drops the whole line for one of three substrings, valid lines too, as the released code does.
    """

    compat: Literal["sentences", "released"] = "sentences"
    name: str = NAME

    def __post_init__(self) -> None:
        if self.compat not in ("sentences", "released"):
            raise EarShotError(
                got=f"compat={self.compat!r}",
                expected="sentences or released",
                mend="Leave it out for sentences.",
            )

    @property
    def identity(self) -> str:
        """Digest of the rules."""
        rules = RELEASED if self.compat == "released" else [_WHAT, _NONE, _DENIED, _ABSENT, 2]
        return fingerprint({"compat": self.compat, "rules": rules})

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order; notes of other kinds stay as they are."""
        for item in items:
            kept = {kind: self.kept(kind, note) for kind, note in item.notes.items()}
            yield item.with_(notes={kind: note for kind, note in kept.items() if note})

    def kept(self, kind: str, note: str) -> str:
        """What stays of a note; "" for nothing."""
        if kind not in RELEASED:
            return note
        if self.compat == "released":
            return "" if any(part in note for part in RELEASED[kind]) else note
        sentences = [part for part in _SENTENCE.split(note.strip()) if part.strip()]
        return " ".join(part for part in sentences if not denies(kind, part))


def denies(kind: str, sentence: str) -> bool:
    """Whether a sentence says that there is no speech, or no music, at all."""
    what = _WHAT[kind]
    plain = " ".join(sentence.lower().replace("’", "'").split())
    if _EMPTY.match(plain) or (kind == "speech" and _NOBODY.search(plain)):
        return True
    if re.search(rf"{_NONE}(?:\w+\s+(?:or|and|nor)\s+)?{what}\b", plain):
        return True
    about = re.search(rf"\b{what}\b", plain)
    return bool(about and (re.search(_DENIED, plain) or re.search(_ABSENT, plain)))
