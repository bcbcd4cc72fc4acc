"""Which sounds a caption tells of, in which order, held against those that there are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.text.lexicon import Lexicon, Mention, SoundWords, shipped_lexicon

# Between two sounds: the second one was heard first.
_BACKWARDS = re.compile(r"\b(?:after(?! (?:that|which|this))|preceded by|follow(?:s|ing))\b", re.I)
_BEFORE_FIRST = re.compile(r"^\W*(?:before|prior to)\b", re.I)
Gold = Sequence["str | Mapping[str, object]"]


class EventReader:
    """Reads the sounds off a caption by their names: "dog barking" and "barks" are one kind.

    kinds: the names to look for, each with its other names; words are compared by their stems and
    the longest name wins. The shipped lexicon of everyday sounds, which has every kind that
    `earshot.synth` makes, when left out.
    """

    def __init__(self, kinds: Mapping[str, Sequence[str]] | None = None) -> None:
        if kinds is None:
            self._lexicon = shipped_lexicon()
        elif kinds:
            sounds = [SoundWords(_words(k), tuple(also), ()) for k, also in kinds.items()]
            self._lexicon = Lexicon(sounds)
        else:
            raise EarShotError(
                got="no kinds", expected="names of sounds", mend="Pass {kind: [other names]}."
            )
        self._own = {_words(kind): kind for kind in kinds or ()}

    @classmethod
    def of(cls, kinds: Sequence[str]) -> EventReader:
        """A reader of these kinds alone, by the names that the shipped lexicon has for them."""
        known = {kind: shipped_lexicon().of(_words(kind)) for kind in kinds}
        return cls({k: (each.name, *each.also) if each else () for k, each in known.items()})

    def events(self, caption: str) -> list[str]:
        """The kinds that are told of, each once, in the order in which they are said to sound.

        "B after A", "B preceded by A" and "before B, A" tell of A first.
        """
        mentions = self._lexicon.find(caption)
        in_order: list[Mention] = []
        for number, mention in enumerate(mentions):
            before = caption[mentions[number - 1].end if number else 0 : mention.start]
            if number and _BACKWARDS.search(before):
                in_order.insert(len(in_order) - 1, mention)
            else:
                in_order.append(mention)
        if len(in_order) == 2 and _BEFORE_FIRST.match(caption[: mentions[0].start]):
            in_order.reverse()
        return list(dict.fromkeys(self._name(each.sound) for each in in_order))

    def kind(self, name: str) -> str:
        """The kind that a name stands for; the name itself where it is not known."""
        sound = self._lexicon.of(_words(name))
        return name if sound is None else self._name(sound)

    def _name(self, sound: SoundWords) -> str:
        return self._own.get(sound.name, sound.name)


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Per clip [clips]: sounds that were told of, there are, and both; pairs of sounds whose order
    is told, and told as it is."""

    told: NDArray[np.float64]
    there: NDArray[np.float64]
    right: NDArray[np.float64]
    pairs: NDArray[np.float64]
    in_order: NDArray[np.float64]

    def figures(self, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
        """Over all clips together; `weights` [clips]: how often each was drawn.

        event_precision, event_recall, event_f1: of the sounds told of and of those there are.
        hallucination_rate: the share of captions that tell of a sound that is not there.
        order_accuracy: the share of pairs of sounds in the order in which they sound; NaN where
        no caption tells of two that follow one another.
        """
        weights = np.ones(len(self.told)) if weights is None else weights
        told, there, right, pairs, in_order = (
            float(weights @ each)
            for each in (self.told, self.there, self.right, self.pairs, self.in_order)
        )
        made_up = float(weights @ (self.told > self.right))
        return {
            "event_precision": right / told if told else 0.0,
            "event_recall": right / there if there else 0.0,
            "event_f1": 2 * right / (told + there) if told + there else 0.0,
            "hallucination_rate": made_up / float(weights.sum()),
            "order_accuracy": in_order / pairs if pairs else float("nan"),
        }


def event_counts(
    captions: Sequence[str], gold: Sequence[Gold], reader: EventReader | None = None
) -> EventCounts:
    """What each caption got right of the sounds of its clip.

    gold [clips][sounds], by onset: names of kinds, or objects with `kind`, `onset_s` and
    `offset_s`, of which those that overlap have no order. A kind counts once a clip.
    """
    if len(captions) != len(gold) or not len(captions):
        raise EarShotError(
            got=f"{len(captions)} captions and the sounds of {len(gold)} clips",
            expected="as many of both, at least one",
            mend="Pass one caption and one list of sounds a clip.",
        )
    reader = reader or EventReader()
    rows = [_count(reader, *each) for each in zip(captions, gold, strict=True)]
    return EventCounts(*np.array(rows, np.float64).T)


def event_figures(
    captions: Sequence[str], gold: Sequence[Gold], reader: EventReader | None = None
) -> dict[str, float]:
    """`event_counts` of all clips together, as figures by name (see `EventCounts.figures`)."""
    return event_counts(captions, gold, reader).figures()


def _count(reader: EventReader, caption: str, gold: Gold) -> tuple[int, int, int, int, int]:
    told = reader.events(caption)
    spans: dict[str, tuple[float, float]] = {}  # of each kind's first sound
    for number, each in enumerate(gold):
        kind, span = _read(each, number)
        spans.setdefault(reader.kind(kind), span)
    place = {kind: i for i, kind in enumerate(told)}
    kinds = list(spans)
    pairs = [
        (one, other)
        for i, one in enumerate(kinds)
        for other in kinds[i + 1 :]
        if one in place and other in place and spans[one][1] <= spans[other][0]
    ]
    right = len(place.keys() & spans.keys())
    in_order = sum(place[one] < place[other] for one, other in pairs)
    return len(told), len(spans), right, len(pairs), in_order


def _read(event: str | Mapping[str, object], number: int) -> tuple[str, tuple[float, float]]:
    """The kind, and from when to when it sounds; names alone follow one another."""
    if isinstance(event, str):
        return event, (float(number), float(number))
    try:
        return str(event["kind"]), (float(str(event["onset_s"])), float(str(event["offset_s"])))
    except (KeyError, ValueError) as fault:
        raise EarShotError(
            got=f"a sound with {', '.join(map(str, event)) or 'nothing'}",
            expected="kind, onset_s and offset_s, both in seconds",
            mend="Write it like {'kind': 'bell', 'onset_s': 0.2, 'offset_s': 1.1}.",
        ) from fault


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
