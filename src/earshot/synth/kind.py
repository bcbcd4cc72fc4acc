"""What a kind of sound is: how it is rendered, what it is called, which attributes it obeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from earshot.synth.take import Take

# The words of each axis. Every kind obeys loudness and distance; the others it names.
AXES = {
    "loudness": ("loud", "soft"),
    "speed": ("fast", "slow"),  # of repeats
    "pitch": ("high", "low"),
    "distance": ("near", "far"),
    "length": ("short", "long"),
}
AXIS_OF = {word: axis for axis, words in AXES.items() for word in words}


@dataclass(frozen=True)
class SoundKind:
    """One kind of sound.

    `nouns` are noun phrases, "a dog bark" or "rain": adjectives go after the article. `actions`
    are "subject | verb | gerund", "a dog | barks | barking". `span_s` is how long it naturally
    lasts; a `one_shot` rings out on its own, any other fills the time it is given.
    """

    name: str
    category: str
    render: Callable[[Take], np.ndarray]  # a Take -> [n_samples], any level
    nouns: tuple[str, ...]
    actions: tuple[str, ...]
    obeys: tuple[str, ...] = ()  # axes beside loudness and distance
    span_s: tuple[float, float] = (1.0, 3.0)
    one_shot: bool = False

    @property
    def attributes(self) -> tuple[str, ...]:
        """The axes this kind obeys, in the order of `AXES`."""
        own = {"loudness", "distance", *self.obeys}
        return tuple(axis for axis in AXES if axis in own)

    @property
    def synonyms(self) -> tuple[str, ...]:
        """The ways to call it: the noun phrases, then "a dog barking"."""
        acts = (action.split(" | ") for action in self.actions)
        return (*self.nouns, *(f"{subject} {gerund}" for subject, _, gerund in acts))
