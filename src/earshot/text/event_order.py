"""Strong labels as an ordered list of events, and that list as one sentence without times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from earshot.core.errors import EarShotError
from earshot.text.web_nouns import article, is_plural
from earshot.text.web_parse import read_clause
from earshot.text.web_words import word_list

MOST_EVENTS = 4  # in one sentence
SURE = 0.4  # the weight of a clause that names a known sound


@dataclass(frozen=True)
class StrongLabel:
    """An event and when it sounds, in seconds."""

    label: str
    onset_s: float
    offset_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset_s) and self.onset_s <= self.offset_s < math.inf):
            raise EarShotError(
                got=f"{self.label!r} from {self.onset_s} to {self.offset_s} s",
                expected="an onset in seconds, and an offset not before it",
                mend="Correct the label's times.",
            )


def ordered_events(labels: Iterable[StrongLabel]) -> list[str]:
    """Different events by when they first sound; the longer first where they begin together.

    Times serve for the order alone. Source: arXiv:2303.17395, section III.
    """
    first: dict[str, tuple[float, float]] = {}
    for each in labels:
        name = " ".join(each.label.replace("_", " ").split())
        if not name:
            continue
        span = (each.onset_s, each.onset_s - each.offset_s)
        first[name] = min(first.get(name, span), span)
    return sorted(first, key=lambda name: (*first[name], name))


def weave(events: Sequence[str]) -> str | None:
    """The events as one sentence, in order: "A dog is barking, followed by a car horn honking."

    None for no event that can be put in words.
    """
    told = list(dict.fromkeys(clause for event in events if (clause := event_clause(event))))
    told = told[:MOST_EVENTS]
    if not told:
        return None
    first, *rest = told
    if not rest:
        said = first
    elif len(rest) == 1:
        said = f"{first}, followed by {_as_noun(rest[0])}"
    else:
        middle = ", ".join(_as_noun(clause) for clause in rest[:-1])
        said = f"{first}, followed by {middle} and then {_as_noun(rest[-1])}"
    return said[0].upper() + said[1:] + "."


def event_clause(event: str) -> str | None:
    """An event's name as a clause: "Male speech, man speaking" -> "a man is speaking"."""
    names = [name.strip() for name in event.replace("(", ",").replace(")", "").split(",")]
    for least in (SURE, 0.2):  # the first name that is clear, else the first that says anything
        for name in names:
            trusted = frozenset(name.lower().split())
            clause = read_clause(name, titled=True, named=True, trusted=trusted)
            if clause is not None and clause.weight >= least:
                return clause.text.replace("_", " ")
    plain = names[0].lower()
    if not plain:
        return None
    mass = is_plural(plain) or plain in word_list("mass")
    return f"{plain if mass else article(plain)} {'are' if is_plural(plain) else 'is'} heard"


def _as_noun(clause: str) -> str:
    """A clause after "followed by": "a dog is barking" -> "a dog barking"."""
    for verb in (" is heard", " are heard"):
        clause = clause.removesuffix(verb)
    return clause.replace(" is ", " ", 1) if " is " in clause else clause.replace(" are ", " ", 1)
