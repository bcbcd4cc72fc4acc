"""One short sentence of what can be heard, by rule, from a title, a description and tags."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from earshot.text.web_cuts import heard_part, names_a_sound, parts_of
from earshot.text.web_entities import find_entities, without_entities
from earshot.text.web_parse import Clause, begins_with_verb, read_clause
from earshot.text.web_text import sentences, strip_markup, title_words

FAILURE = "Failure."  # what stands for "nothing of this can be heard"
LEAST_WEIGHT = 0.2
MOST_SENTENCES = 8
MOST_CHARACTERS = 400  # of a sentence; what follows is no description of a sound
MOST_WORDS = 20
MOST_EVENTS = 3
SURE = 0.55  # the weight of a clause that is told beside another
CLEAR = 0.75  # of one that is told beside another without a word for when
LEAST_BESIDE = 0.35  # of a whole sentence, not to be given up for a part that is sure
_NOT_ITS_OWN = ("or ", "it ", "it's ", "its ", "they ", "he ", "she ", "i ", "we ", "you ", "if ")
_SPELT = {"comma": ",", "before": "after"}


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
    said = " ".join(best.text.replace("_", " ").split()[:MOST_WORDS])
    return said[0].upper() + said[1:] + "."


def candidates(text: WebText) -> Iterator[Clause]:
    """What each part of the text tells, the likeliest parts first, later ones at less weight."""
    plain_title = title_words(text.title)
    trusted = frozenset(plain_title.lower().split())
    n_before = 0  # sentences that say something
    for sentence in sentences(strip_markup(text.description))[:MOST_SENTENCES]:
        part = without_entities(heard_part(sentence[:MOST_CHARACTERS]))
        clause = read_events(part, named=names_a_sound(sentence), trusted=trusted)
        if clause is not None:
            yield Clause(clause.text, clause.weight - 0.12 * n_before)
        n_before += clause is not None or len(part.split()) > 2
    title = without_entities(heard_part(plain_title[:MOST_CHARACTERS]))
    if (clause := read_clause(title, titled=True)) is not None:
        yield Clause(clause.text, clause.weight - 0.15)
    for tag in text.tags[:10]:
        clause = read_clause(without_entities(title_words(tag[:100])), titled=True)
        if clause is not None:
            yield Clause(clause.text, clause.weight - 0.35)


def read_events(text: str, *, named: bool, trusted: Container[str]) -> Clause | None:
    """All events of a sentence as one clause: "a dog is barking while rain is falling"."""
    whole = read_clause(text, named=named, trusted=trusted)
    told: list[tuple[str, Clause]] = []
    open_joint, open_part = "", ""
    for joint, part in parts_of(text):
        if open_part and part.lower().startswith(_NOT_ITS_OWN):
            break
        clause = None if open_part and begins_with_verb(part) else _sure(part, named, trusted)
        if clause is None and open_part:  # no event of its own: it belongs to the one before
            open_part += f" {_SPELT.get(joint, joint)} {part}"
            if told and (longer := _sure(open_part, named, trusted)) is not None:
                told[-1] = (told[-1][0], longer)
            continue
        open_joint, open_part = joint, part
        if clause is not None:
            told.append((open_joint, clause))
    if len(told) < 2:
        alone = told[0][1] if told else None
        return alone if alone and (whole is None or whole.weight < LEAST_BESIDE) else whole
    return _joined(told[:MOST_EVENTS])


def _sure(part: str, named: bool, trusted: Container[str]) -> Clause | None:
    """The event of a part that surely tells of one."""
    clause = read_clause(part, named=named, trusted=trusted)
    return clause if clause is not None and clause.weight >= SURE else None


def _joined(told: list[tuple[str, Clause]]) -> Clause:
    """Clauses with their joints; what sounded before is told before."""
    _, first = told[0]
    text = first.text
    for joint, clause in told[1:]:
        if clause.text in text or (joint in ("and", "comma") and clause.weight < CLEAR):
            continue
        if joint == "before":
            text = f"{clause.text}, then {text}"
        elif joint == "then":
            text = f"{text}, then {clause.text}"
        else:
            text = f"{text} {'and' if joint in ('and', 'comma') else 'while'} {clause.text}"
    return Clause(text, first.weight)


def entities_left(caption: str) -> Sequence[str]:
    """The numbers, places, gear, names and the like that a caption still holds."""
    return [entity.text for entity in find_entities(caption)]
