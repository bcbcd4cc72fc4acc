"""An event in words: "a loud dog bark", "a dog barks loudly", "a dog is barking loudly"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from earshot.synth.kind import AXES, SoundKind

ADJECTIVES = {
    "loud": ("loud",),
    "soft": ("soft", "quiet"),
    "fast": ("fast", "rapid", "quick"),
    "slow": ("slow",),
    "high": ("high-pitched", "high"),
    "low": ("low-pitched", "deep"),
    "near": ("nearby", "close"),
    "far": ("distant", "faraway"),
    "short": ("short", "brief"),
    "long": ("long", "prolonged"),
}
ADVERBS = {
    "loud": ("loudly",),
    "soft": ("softly", "quietly"),
    "fast": ("rapidly", "quickly"),
    "slow": ("slowly",),
    "high": ("at a high pitch", "in a high register"),
    "low": ("at a low pitch", "in a low register"),
    "near": ("nearby", "close by"),
    "far": ("in the distance", "far away"),
    "short": ("briefly", "for a moment"),
    "long": ("for a long time", "for a long while"),
}
ORDER = ("loudness", "speed", "length", "pitch", "distance")
assert set(ORDER) == set(AXES)


@dataclass(frozen=True)
class Wording:
    """One way to put an event in each grammatical form; all say the same of it."""

    noun: str  # "a loud dog bark"
    clause: str  # "a dog barks loudly"
    progressive: str  # "a dog is barking loudly"
    participle: str  # "a dog barking loudly"


def word(sound: SoundKind, attributes: Mapping[str, str], rng: np.random.Generator) -> Wording:
    """A wording of the kind with its attributes, synonyms drawn from `rng`.

    It draws the same number of times whatever the attributes, so that two events which differ in
    them alone get the same other words from equal generators.
    """
    noun = sound.nouns[rng.integers(len(sound.nouns))]
    action = sound.actions[rng.integers(len(sound.actions))]
    draws = dict(zip(ORDER, rng.random((len(ORDER), 2)), strict=True))
    subject, verb, gerund = action.split(" | ")
    adjectives: list[str] = []
    manners: list[str] = []
    rest: list[str] = []
    for axis in ORDER:
        value = attributes.get(axis)
        if value is None:
            continue
        adjectives.append(_pick(ADJECTIVES[value], draws[axis][0]))
        adverb = _pick(ADVERBS[value], draws[axis][1])
        (manners if adverb.endswith("ly") and " " not in adverb else rest).append(adverb)
    how = " ".join([*([" and ".join(manners)] if manners else []), *rest])
    how = f" {how}" if how else ""
    be = "is" if verb.split()[0].endswith("s") else "are"
    return Wording(
        noun=with_adjectives(noun, adjectives),
        clause=f"{subject} {verb}{how}",
        progressive=f"{subject} {be} {gerund}{how}",
        participle=f"{subject} {gerund}{how}",
    )


def with_adjectives(noun: str, adjectives: list[str]) -> str:
    """A noun phrase with adjectives after its article, and the article made to agree."""
    first, _, rest = noun.partition(" ")
    if first in ("a", "an") and rest:
        words = " ".join([*adjectives, rest])
        return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
    if first == "the" and rest:
        return " ".join(["the", *adjectives, rest])
    return " ".join([*adjectives, noun])


def _pick(options: tuple[str, ...], draw: float) -> str:
    return options[int(draw * len(options))]
