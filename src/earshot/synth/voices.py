"""Somebody speaks: a man or a woman by the pitch and the size of the throat, no word of it."""

from __future__ import annotations

import numpy as np

from earshot.synth import noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take

SYLLABLES_PER_S = 4.0
SPAN_S = (1.2, 3.0)


def speaking(take: Take, pitch_hz: float, size: float) -> np.ndarray:
    """Syllables of changing vowels, [n_samples]; `size` scales the formants."""
    n_syllables = max(2, round(take.duration_s * SYLLABLES_PER_S * take.speed))
    curve = pitch_hz * noise.wander(take, 2.5, 0.86, 1.16)
    source = oscillators.saw(take, curve) + 0.06 * noise.white(take)
    vowels = take.rng.choice(list("aeiou"), n_syllables)
    edges = np.linspace(0, take.n_samples, n_syllables + 1).astype(int)
    total = np.zeros(take.n_samples)
    for vowel in np.unique(vowels):
        spoken = np.zeros(take.n_samples)
        for number in np.flatnonzero(vowels == vowel):
            begin, end = edges[number], edges[number + 1]
            gap = take.uniform(0.7, 1.0)
            spoken[begin:end] = np.sin(np.pi * np.linspace(0, 1, end - begin)) ** gap
        total += spoken * resonators.vowel(take, source, str(vowel), size)
    return total


def _man(take: Take) -> np.ndarray:
    return speaking(take, take.uniform(92, 135), 1.0)


def _woman(take: Take) -> np.ndarray:
    return speaking(take, take.uniform(185, 245), 1.18)


MAN = SoundKind(
    "speech", "people", _man,
    ("a man's voice", "male speech"),
    ("a man | speaks | speaking", "a man | talks | talking"),
    ("speed", "length"), SPAN_S,
)  # fmt: skip
WOMAN = SoundKind(
    "speech", "people", _woman,
    ("a woman's voice", "female speech"),
    ("a woman | speaks | speaking", "a woman | talks | talking"),
    ("speed", "length"), SPAN_S,
)  # fmt: skip
SPEAKERS = {"man": MAN, "woman": WOMAN}
