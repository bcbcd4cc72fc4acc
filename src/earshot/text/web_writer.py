"""One short sentence of what can be heard, by rule, from a title, a description and tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earshot.text.web_cuts import heard_part, names_a_sound
from earshot.text.web_entities import find_entities, without_entities
from earshot.text.web_parse import Clause, read_clause
from earshot.text.web_text import sentences, strip_markup, title_words

FAILURE = "Failure."  # what stands for "nothing of this can be heard"
LEAST_WEIGHT = 0.2
MOST_SENTENCES = 8
MOST_CHARACTERS = 400  # of a sentence; what follows is no description of a sound
MOST_WORDS = 20


@dataclass(frozen=True)
class WebText:
    """What a sound came with: free text, all of it optional."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()


def write_caption(text: WebText) -> str | None:
    """A sentence such as "A dog is barking."; None when nothing audible remains."""
    best: Clause | None = None
    for clause in candidates(text):
        if best is None or clause.weight > best.weight:
            best = clause
    if best is None or best.weight < LEAST_WEIGHT:
        return None
    words = best.text.replace("_", " ").split()[:MOST_WORDS]
    said = " ".join(words)
    return said[0].upper() + said[1:] + "."


def candidates(text: WebText) -> Iterator[Clause]:
    """What each part of the text tells, the likeliest parts first, later ones at less weight."""
    plain_title = title_words(text.title)
    trusted = frozenset(plain_title.lower().split())
    for i, sentence in enumerate(sentences(strip_markup(text.description))[:MOST_SENTENCES]):
        part = without_entities(heard_part(sentence[:MOST_CHARACTERS]))
        clause = read_clause(part, named=names_a_sound(sentence), trusted=trusted)
        if clause is not None:
            yield Clause(clause.text, clause.weight - 0.12 * i)
    title = without_entities(heard_part(plain_title[:MOST_CHARACTERS]))
    if (clause := read_clause(title, titled=True)) is not None:
        yield Clause(clause.text, clause.weight - 0.15)
    for tag in text.tags[:10]:
        if (
            clause := read_clause(without_entities(title_words(tag[:100])), titled=True)
        ) is not None:
            yield Clause(clause.text, clause.weight - 0.35)


def entities_left(caption: str) -> Sequence[str]:
    """The numbers, places, gear, names and the like that a caption still holds."""
    return [entity.text for entity in find_entities(caption)]
