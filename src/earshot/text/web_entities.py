"""What a caption must not hold: numbers, dates, places, gear, recording settings and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from earshot.text.web_words import WORD, known_words, listed, word_list

EntityKind = Literal["number", "date", "place", "device", "setting", "name", "address"]
_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\S+|\b[\w-]+\.(?:com|org|net|gov|edu|wav|mp3|ogg|flac)\b",
    re.IGNORECASE,
)
_PLACE_HEAD = ("new", "san", "santa", "los", "las", "saint", "st", "north", "south", "east",
               "west", "lake", "mount", "fort", "port", "el", "la")  # fmt: skip
_CUE = ("with", "using", "via", "through", "on", "by", "my", "a", "an", "the", "our", "in")
_LEADS = re.compile(
    r"\b(?:in|at|near|from|of|with|by|on|to|for|via|using|through)(?:\s+(?:the|an?|my|our))?\s*$",
    re.IGNORECASE,
)
_CREDIT = ("by", "to", "from", "mr", "mrs", "ms", "dr")
_SETTING = listed("settings", "format")


@dataclass(frozen=True)
class Entity:
    """A place [start, end) of a text that names something no one can hear."""

    kind: EntityKind
    start: int
    end: int
    text: str


def find_entities(text: str) -> list[Entity]:
    """All of them, in order and apart from each other.

    Lower-case words count where they mean nothing else: "tascam" always, "zoom" after "with". A
    word in capitals within a sentence is a name unless the language of sound knows it.
    """
    taken = [Entity("address", m.start(), m.end(), m[0]) for m in _ADDRESS.finditer(text)]
    words = list(WORD.finditer(text))
    titled = _is_titled([match[0] for match in words])
    for i, match in enumerate(words):
        if any(e.start < match.end() and match.start() < e.end for e in taken):
            continue
        if kind := _kind(text, words, i, titled):
            taken.append(Entity(kind, match.start(), match.end(), match[0]))
    return sorted(taken, key=lambda entity: entity.start)


def without_entities(text: str) -> str:
    """The text without them and what led to them; "the 3 dogs of Berlin" -> "the dogs"."""
    return " ".join("".join(_outside(text)).split())


def _outside(text: str) -> Iterator[str]:
    at = 0
    for entity in find_entities(text):
        before = text[at : entity.start]
        yield (before if entity.kind == "number" else _LEADS.sub(" ", before)) + " "
        at = entity.end
    yield text[at:]


def _kind(text: str, words: list[re.Match[str]], i: int, titled: bool) -> EntityKind | None:
    """What the word is, if it is none for a caption."""
    said = words[i][0]
    word = said.lower().removesuffix("'s").removesuffix("\u2019s")
    before = words[i - 1][0].lower() if i else ""
    if any(ch.isdigit() for ch in word):
        return "number" if word.strip("0123456789.,:x-") in ("", "st", "nd", "rd", "th", "s") else (
            "device" if not word[0].isdigit() else "number"
        )  # fmt: skip
    counted = i > 0 and (before[0].isdigit() or before in word_list("numbers"))
    if word in word_list("numbers") or (counted and word in listed("grammar", "units")):
        return "number"
    capital = said[0].isupper() and not titled and not _starts_sentence(text, words[i].start())
    known = word in known_words()
    if word in word_list("dates"):
        return "date" if capital or word not in known_words() else None
    if word in _SETTING:
        return "setting"
    if word in word_list("devices"):
        return "device" if capital or not known or before in ("using", "via") else None
    if word in word_list("places"):
        in_place = before in ("in", "from", "at", "near", *_PLACE_HEAD)
        return "place" if capital or not known or (titled and in_place) else None
    if before in _PLACE_HEAD and capital and not known:
        return "place"
    if word in word_list("first_names"):
        return "name" if capital or before in _CREDIT or not known else None
    return "name" if capital and not known and len(said) > 1 else None


def _starts_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip("\"'( ")
    return not before or before[-1] in ".!?:"


def _is_titled(words: list[str]) -> bool:
    """Whether most words have capitals, so that these mean nothing."""
    letters = [word for word in words if word[0].isalpha()]
    return sum(word[0].isupper() for word in letters) > 0.6 * len(letters)
