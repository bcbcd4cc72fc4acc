"""Sentences about a scene: templates by relation, filled with the wordings of its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from earshot.synth.kind import SoundKind
from earshot.synth.phrases import Wording, word

# {N1} noun phrase of the first event, {C1} clause, {P1} progressive clause, {G1} participle.
SINGLE = (
    "{C1}", "{P1}", "{G1}", "{N1}", "the sound of {N1}", "{N1} can be heard", "we hear {N1}",
    "there is the sound of {N1}", "a recording of {N1}", "one can hear {N1}",
    "this is the sound of {G1}", "in this clip {P1}", "in the recording, {C1}",
    "somewhere {P1}", "the noise of {G1}",
)  # fmt: skip
THEN = (
    "{C1}, then {C2}", "{C1} and then {C2}", "{N1} followed by {N2}", "{G1} followed by {G2}",
    "first {C1}, then {C2}", "{C1} before {C2}", "{N1} before {N2}", "after {N1}, {C2}",
    "{C2} after {C1}", "{G1}, and afterwards {G2}", "{N1}, then {N2}",
    "to begin with {C1}, and later {C2}", "{N2} preceded by {N1}",
    "it starts with {N1} and ends with {N2}", "{P1}, and later {P2}",
    "{C1}, after which {C2}", "the sound of {N1} gives way to {N2}", "{N2} comes after {N1}",
)  # fmt: skip
WHILE = (
    "{P1} while {P2}", "{C1} while {C2}", "{C1} as {C2}", "{N1} and {N2} at the same time",
    "{G1} along with {G2}", "{G1} together with {N2}", "{N1} over {N2}", "{N1} mixed with {N2}",
    "{N1} amid {N2}", "while {P1}, {P2}", "{N1} accompanied by {N2}",
    "{P1}, and at the same time {P2}", "{G1} and {G2} simultaneously",
    "{C1}, with {N2} at the same time", "both {N1} and {N2} can be heard together",
    "overlapping sounds of {N1} and {N2}",
)  # fmt: skip
# Of three or four events: the form of each, how two at once are joined, what stands between one
# step and the next, and the frame.
MIXED = (
    ("C", "{0} while {1}", ", then ", "{0}"),
    ("C", "{0} as {1}", ", and then ", "{0}"),
    ("C", "{0} while {1}", ", after which ", "first {0}"),
    ("C", "{0} and at the same time {1}", "; then ", "{0}"),
    ("P", "{0} while {1}", ", and later ", "{0}"),
    ("N", "{0} together with {1}", ", followed by ", "{0}"),
    ("N", "{0} and {1} at once", ", then ", "the sound of {0}"),
    ("N", "{0} mixed with {1}", ", and after that ", "first {0}"),
    ("N", "{0} and {1} together", ", and afterwards ", "we hear {0}"),
    ("N", "{0} over {1}", ", next ", "in order: {0}"),
    ("N", "{0} accompanied by {1}", ", then ", "a recording of {0}"),
    ("N", "{0} combined with {1}", ", succeeded by ", "{0}"),
    ("G", "{0} along with {1}", ", then ", "{0}"),
    ("G", "{0} and {1} simultaneously", ", followed by ", "one hears {0}"),
)
FORMS = {"N": "noun", "C": "clause", "P": "progressive", "G": "participle"}

Described = tuple[SoundKind, Mapping[str, str]]  # a kind and its attributes


def captions_of(
    groups: Sequence[Sequence[Described]], n: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """`n` different sentences, all true of a scene: groups in order, a group's members at once."""
    found: dict[str, None] = {}
    templates = templates_of([len(group) for group in groups])
    order = rng.permutation(len(templates))
    for turn in range(8 * n):
        if len(found) == n:
            break
        worded = [[word(*described, rng) for described in group] for group in groups]
        if turn % 2:  # at once is symmetric: either may be named first
            worded = [group[::-1] for group in worded]
        found[fill(templates[order[turn % len(order)]], worded)] = None
    return tuple(found)


def templates_of(sizes: Sequence[int]) -> tuple:
    """The templates for groups of these sizes."""
    known = {(1,): SINGLE, (1, 1): THEN, (2,): WHILE}
    return known.get(tuple(sizes), MIXED)


def fill(template: str | tuple[str, str, str, str], groups: Sequence[Sequence[Wording]]) -> str:
    """The sentence that a template makes of worded events, with a capital."""
    if isinstance(template, str):
        events = [wording for group in groups for wording in group]
        fields = {
            f"{letter}{number}": getattr(wording, form)
            for number, wording in enumerate(events, start=1)
            for letter, form in FORMS.items()
        }
        sentence = template.format(**fields)
    else:
        form, pair, between, frame = template
        steps = [
            pair.format(*(getattr(wording, FORMS[form]) for wording in group))
            if len(group) == 2
            else getattr(group[0], FORMS[form])
            for group in groups
        ]
        sentence = frame.format(between.join(steps))
    return sentence[0].upper() + sentence[1:]
