"""A label in grammar: "crying_baby" is a crying baby, "dog barking" is a dog that is barking."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}")
_NOT_WORDS = re.compile(r"[^\w\s'-]")
_UNCOUNTED = {
    "rain", "thunder", "wind", "water", "music", "speech", "traffic", "laughter", "applause",
    "static", "noise", "fire", "silence", "singing", "hail", "surf", "birdsong", "chatter",
    "percussion", "clapping", "snow", "typing", "gravel", "wood", "food", "glass", "sandpaper",
    "velcro", "thunderstorm", "fizz", "hum", "rainfall", "cutlery", "paper", "foghorn",
    "scratching",
    "conversation", "narration", "breathing", "frying", "rustling", "babbling", "environment",
    "ambience", "audio", "equipment", "machinery", "data", "jazz", "rock", "techno", "reggae",
    "sand", "ice", "steam", "gas", "air", "electricity", "tv", "television", "radio", "livestock",
    "cattle", "tinnitus", "locomotion", "communication", "wildlife", "vocalization", "metal",
}  # fmt: skip
_DONE_TO = {
    "typing",
    "chopping",
    "riding",
    "brushing",
    "clearing",
    "drumming",
}  # no subject's own act
_PLURAL_S = ("ss", "us", "is", "bus", "gas")  # endings of words in the singular
_PLURALS = {"people", "children", "men", "women", "feet", "geese", "sheep", "hooves", "leaves"}
_GERUND_NOUNS = {
    "string", "spring", "ring", "king", "ping", "ding", "swing", "wing", "ceiling", "building",
    "opening", "evening", "morning", "thing", "lightning", "sling",
}  # fmt: skip
_VOWEL = re.compile(r"[aeio]|u(?!ku|ni|s)|hour|honest", re.IGNORECASE)
_KEPT = {"french", "tv", "cd"}  # whose capitals stay


@dataclass(frozen=True)
class SoundPhrase:
    """A sound as a noun phrase ("a dog barking") and as a clause ("a dog is barking")."""

    noun: str
    clause: str
    acts: bool  # a subject that does something, where the clause says more than "can be heard"


MANNERS = {  # an adjective of a sound, and the adverb of who makes it
    "loud": "loudly", "quiet": "softly", "rapid": "rapidly", "slow": "slowly",
    "steady": "steadily", "brief": "briefly", "repeated": "again and again",
    "continuous": "continuously", "intermittent": "now and then", "distant": "in the distance",
    "low": "in a low register", "bright": "in a high register",
}  # fmt: skip


def sound_phrase(label: str, manners: Sequence[str] = ()) -> SoundPhrase:
    """The phrases of a label of any data set, in manners that MANNERS knows: "a dog barks loudly".

    Underscores, brackets and the other names after a comma go; of "Male speech, man speaking" the
    part with a subject and what it does is taken. A label without a letter is "a sound".
    """
    words = _words_of(label)
    if not words:
        words = ["sound"]
    place = _participle_at(words)
    if place is None:
        noun = with_article(words, manners)
        return SoundPhrase(noun, f"{noun} can be heard", False)
    subject, acts = words[:place], [*words[place:], *_adverbs(manners)]
    who = with_article(subject)
    be = "are" if _is_plural(subject[-1]) else "is"
    return SoundPhrase(f"{who} {' '.join(acts)}", f"{who} {be} {' '.join(acts)}", True)


def _adverbs(manners: Sequence[str]) -> list[str]:
    """The adverbs of manners, those in -ly joined."""
    said = [MANNERS.get(each, each) for each in dict.fromkeys(manners)]
    short = [each for each in said if " " not in each]
    return [*([" and ".join(short)] if short else []), *(each for each in said if " " in each)]


def with_article(words: Sequence[str], adjectives: Sequence[str] = ()) -> str:
    """Words of a noun phrase behind their adjectives and an article where one belongs."""
    said = [*dict.fromkeys(each for each in adjectives if each not in words), *words]
    head = words[-1] if "of" not in words and "on" not in words else words[0]
    for preposition in ("of", "on", "in", "with", "into", "by"):
        if preposition in words[1:]:
            head = words[words.index(preposition) - 1]
            break
    first = words[0]
    bare = (
        first in ("a", "an", "the", "some", "someone", "people")
        or head.lower() in _UNCOUNTED
        or _is_plural(head)
        or _is_gerund(head)
        or first in _DONE_TO
    )
    if bare and first in ("a", "an") and adjectives:
        return with_article(list(words[1:]), adjectives)
    article = [] if bare else ["an" if _VOWEL.match(said[0]) else "a"]
    return " ".join([*article, *said])


def _words_of(label: str) -> list[str]:
    """The words of the part of a label that says most."""
    plain = _BRACKETS.sub(" ", label.replace("_", " ").replace("/", ","))
    parts = [part.split() for part in map(_spaced, plain.split(",")) if part.split()]
    if not parts:
        return []
    chosen = next((part for part in parts if _participle_at(part) is not None), parts[0])
    return [word if word.lower() in _KEPT or word.isupper() else word.lower() for word in chosen]


def _spaced(text: str) -> str:
    return _NOT_WORDS.sub(" ", text)


def _participle_at(words: Sequence[str]) -> int | None:
    """Where "dog barking" begins to act; None for "crying baby", "rain" and "hair dryer"."""
    for place, word in enumerate(words):
        if place and _is_gerund(word) and word.lower() not in _DONE_TO:
            before = words[place - 1].lower()
            if before in ("of", "a", "the", "and", "being") or _is_gerund(words[0]):
                return None
            rest = words[place + 1 :]
            return place if not rest or rest[0] in _FOLLOWS else None
    return None


_FOLLOWS = {"on", "in", "into", "by", "with", "at", "over", "down", "up", "from", "through",
            "teeth", "a", "the", "water", "food", "wood"}  # fmt: skip


def _is_gerund(word: str) -> bool:
    plain = word.lower()
    return plain.endswith("ing") and len(plain) > 4 and plain not in _GERUND_NOUNS


def _is_plural(word: str) -> bool:
    plain = word.lower()
    return plain in _PLURALS or (plain.endswith("s") and not plain.endswith(_PLURAL_S))
