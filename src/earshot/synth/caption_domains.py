"""Two ways to caption the same scenes: short active clauses, and long nominal phrases.

Both tell of the sounds of `caption_scenes` truly; they share the names of ten kinds of sound and
hardly another word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.synth.caption_scenes import KINDS, RELATIONS

Domain = Literal["clauses", "phrases"]

CLAUSES: dict[str, tuple[str, ...]] = {
    "dog bark": ("a dog barks", "a dog yaps"),
    "siren": ("a siren wails", "a siren blares"),
    "rain": ("rain falls", "rain pours"),
    "engine idling": ("an engine idles", "an engine hums"),
    "footsteps": ("footsteps pass", "footsteps approach"),
    "church bell": ("a bell tolls", "a bell rings"),
    "reversing beeps": ("a truck beeps", "a truck backs up"),
    "songbird": ("a bird sings", "a bird chirps"),
    "wind": ("wind blows", "wind howls"),
    "typing": ("someone types", "a typist works"),
    "speech": ("someone speaks", "someone talks"),
    "piano": ("a piano plays", "a piano tinkles"),
    "guitar": ("a guitar plays", "a guitar strums"),
    "drum": ("a drum beats", "a drum thumps"),
    "bubbles": ("water bubbles", "water boils"),
    "smoke alarm": ("an alarm goes off", "an alarm shrieks"),
}
PHRASES: dict[str, tuple[str, ...]] = {
    "dog bark": ("the woofing of a canine", "the growling of a hound"),
    "siren": ("the sound of an emergency siren",),
    "rain": ("the patter of rain on the ground",),
    "engine idling": ("the rumble of an engine at rest",),
    "footsteps": ("the sound of footsteps on a floor",),
    "church bell": ("the chime of a bell in a tower",),
    "reversing beeps": ("the warning signal of a reversing vehicle",),
    "songbird": ("the twittering of a warbler", "the tweeting of a finch"),
    "wind": ("the rush of wind through an opening",),
    "typing": ("the clatter of a keyboard", "the clicking of keystrokes"),
    "speech": ("the voice of a person", "the conversation of people"),
    "piano": ("the notes of a piano",),
    "guitar": ("the chords of a guitar",),
    "drum": ("the rhythm of a drum",),
    "bubbles": ("the gurgling of a liquid",),
    "smoke alarm": ("the signal of an alarm in a building",),
}
NAMES: dict[str, tuple[str, ...]] = {  # what tells of a kind in either way of speaking
    "dog bark": ("dog", "canine", "hound"),
    "siren": ("siren",),
    "rain": ("rain",),
    "engine idling": ("engine",),
    "footsteps": ("footsteps", "footstep"),
    "church bell": ("bell",),
    "reversing beeps": ("truck", "reversing"),
    "songbird": ("bird", "songbird", "warbler", "finch"),
    "wind": ("wind",),
    "typing": ("types", "typing", "typist", "keyboard", "keystrokes"),
    "speech": ("speaks", "speech", "talks", "voice", "conversation"),
    "piano": ("piano",),
    "guitar": ("guitar",),
    "drum": ("drum",),
    "bubbles": ("bubbles", "boils", "gurgling"),
    "smoke alarm": ("alarm",),
}
FRAMES: dict[Domain, dict[str, tuple[str, ...]]] = {
    "clauses": {
        "single": ("{a}", "{a} nearby"),
        "then": ("{a} then {b}", "{a} and then {b}", "{b} after {a}"),
        "while": ("{a} while {b}", "{a} as {b}", "{b} while {a}"),
    },
    "phrases": {
        "single": (
            "{a} can be heard in this recording",
            "in this recording there is {a} and nothing else",
        ),
        "then": (
            "{a} can be heard at first, which is followed by {b}",
            "this recording contains {a} at the beginning and {b} at the end",
        ),
        "while": (
            "{a} can be heard together with {b} in this recording",
            "a mixture of {a} and {b} is present throughout",
        ),
    },
}
WORDS: dict[Domain, dict[str, tuple[str, ...]]] = {"clauses": CLAUSES, "phrases": PHRASES}


def domain_captions(
    kinds: Sequence[str], relation: str, domain: Domain, n: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """`n` captions of sounds, in the order in which they begin, in one way of speaking."""
    frames, words = FRAMES[domain][relation], WORDS[domain]

    def said() -> str:
        frame = frames[int(rng.integers(len(frames)))]
        parts = [words[kind][int(rng.integers(len(words[kind])))] for kind in kinds]
        return frame.format(a=parts[0], b=parts[-1])

    return tuple(said() for _ in range(n))


def clip_captions(
    extra: Mapping[str, Any], domain: Domain, n: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """The same of a clip of `caption_scenes`, by its `extra`."""
    kinds = [str(event["kind"]) for event in extra["events"]]
    return domain_captions(kinds, str(extra["relation"]), domain, n, rng)


def told_in_every_way(clips: Sequence[Clip], seed: int, n: int = 2) -> list[tuple[str, ...]]:
    """Of each clip its own captions, `n` clauses, `n` phrases and its kinds of sound."""
    rng = generator(seed, "told in every way")
    domains: tuple[Domain, ...] = ("clauses", "phrases")
    return [
        (*clip.captions, *clip.labels)
        + tuple(text for way in domains for text in clip_captions(clip.extra, way, n, rng))
        for clip in clips
    ]


def domain_corpus(
    n: int, seed: int, domain: Domain, unseen: frozenset[frozenset[str]] = frozenset()
) -> tuple[str, ...]:
    """`n` captions of scenes that nobody made, none of a pair of sounds in `unseen`."""
    rng, captions = generator(seed, "corpus", domain), []
    while len(captions) < n:
        relation = RELATIONS[int(rng.integers(len(RELATIONS)))]
        size = 1 if relation == "single" else 2
        kinds = [KINDS[int(i)] for i in rng.choice(len(KINDS), size, replace=False)]
        if frozenset(kinds) not in unseen:
            captions += domain_captions(kinds, relation, domain, 1, rng)
    return tuple(captions)


def unseen_pairs(share: float, seed: int) -> frozenset[frozenset[str]]:
    """A share of all pairs of kinds, drawn by the seed."""
    pairs = [frozenset((a, b)) for i, a in enumerate(KINDS) for b in KINDS[i + 1 :]]
    order = generator(seed, "unseen pairs").permutation(len(pairs))
    return frozenset(pairs[int(i)] for i in order[: round(share * len(pairs))])
