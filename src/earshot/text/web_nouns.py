"""Noun phrases of a description as a caption has them: plain words, a fitting article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from earshot.text.web_words import (
    audible_words,
    compounds,
    known_words,
    listed,
    usual_doing,
    whole_events,
    word_lines,
    word_list,
)

ARTICLES = listed("grammar", "articles")
PREPOSITIONS = listed("grammar", "prepositions")
JOINTS = listed("grammar", "joints")
BE = listed("grammar", "be")
META = listed("grammar", "meta")  # "sound", "noise", "effect": what a sound is called by
ADJECTIVES = listed("grammar", "adjectives")  # those that stay
MOST_MODIFIERS = 2


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, ready to be read: with its article."""

    text: str
    head: str
    plural: bool
    audible: bool  # its head, or a word before it, names what sounds


def noun_phrase(words: Sequence[str]) -> Phrase | None:
    """The last noun phrase that the words end in, with an article that fits; None if there is none.

    Opinions, numbers, and words of files and recording go; a person is called by a plain word.
    """
    kept = [word for word in words if may_stay(word)]
    while kept and (kept[-1] in PREPOSITIONS or kept[-1] in ADJECTIVES
                    or kept[-1] in JOINTS or kept[-1].endswith("ly")):  # fmt: skip
        kept.pop()
    cut = max(
        (i + 1 for i, word in enumerate(kept) if word in PREPOSITIONS | JOINTS | BE), default=0
    )
    kept = kept[cut:]
    if not kept:
        return None
    head = kept[-1]
    modifiers = kept[:-1][-MOST_MODIFIERS:]
    person = people().get(head)
    if person is not None:
        head, modifiers = person, [m for m in modifiers if m in ADJECTIVES]
    if head in ("someone", "something", "person") and head != "person":
        return Phrase(head, head, False, True)
    if head == "person":
        return Phrase("someone", "person", False, True)
    plural = is_plural(head)
    audible = any(word in audible_words() for word in (head, singular(head), *modifiers))
    text = " ".join([*modifiers, head])
    if not plural and head not in word_list("mass"):
        text = article(text)
    return Phrase(text, head, plural, audible)


def article(words: str) -> str:
    """The words with the indefinite article that they take: "an owl", "a unicorn"."""
    vowel = words[:1] in "aeiou" and not words.startswith(("uni", "use", "eu", "one"))
    return f"{'an' if vowel else 'a'} {words}"


def is_plural(noun: str) -> bool:
    """Whether a noun takes "are"."""
    if noun in listed("plural", "plural"):
        return True
    if noun in listed("plural", "single") or noun in word_list("mass"):
        return False
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


def as_object(found: Phrase, first: Sequence[str]) -> list[str]:
    """A noun phrase after a verb or a preposition: its own possessive stays."""
    words = found.text.split()
    if first and first[0] in ("its", "their", "the") and words[0] in ("a", "an"):
        return [first[0], *words[1:]]
    if first and first[0] in ("its", "their") and found.plural:
        return [first[0], *words]
    return words


def may_stay(word: str) -> bool:
    """Whether a word may stand in a caption's noun phrase, article apart."""
    return (
        word not in ARTICLES
        and word not in _droppable()
        and (word in ADJECTIVES or word not in word_list("opinions"))
        and any(ch.isalpha() for ch in word)
    )


@cache
def _droppable() -> frozenset[str]:
    """Words of recording and counting, but for those that name a sound."""
    meta = word_list("settings") - {"track", "tape", "video", "flash", "film", "game", "channel"}
    return meta | word_list("numbers") | listed("grammar", "dropped")


@cache
def people() -> dict[str, str]:
    """Words for people -> the word that a caption has for them: daughter -> girl."""
    return {word: kind for kind, words in word_lines("people") for word in words}


def singular(noun: str) -> str:
    """A regular plural without its ending; other words as they are."""
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def split_words(text: str) -> list[str]:
    """Lower-case words without marks; commas part what they stand between as "and" does."""
    spaced = text.lower().replace(",", " and ").replace("/", " or ").replace(" - ", " and ")
    words = [word.strip(".!?:;\"'()[]*") for word in spaced.split()]
    words = [w.removesuffix("'s") if w.endswith("'s") else w for w in words]
    kept: list[str] = []
    for word in words:
        if word and not (word in ("and", "or") and (not kept or kept[-1] in ("and", "or"))):
            kept.append(word)
    while kept and kept[-1] in JOINTS:
        kept.pop()
    paired: list[str] = []
    for word in kept:
        if paired and (paired[-1], word) in compounds():
            paired[-1] += f"_{word}"
        elif paired and (whole := paired[-1] + word) in usual_doing() | whole_events():
            paired[-1] = whole
        else:
            paired.append(word)
    return paired


def is_known(word: str) -> bool:
    """Whether a word is of the language of sound."""
    return word in known_words() or singular(word) in known_words()
