"""One note of an instrument: the voices of the instrument sounds and of our own tunes.

Every function takes a `Take` (its `pitch` and `speed` are left alone) and, if it has a pitch, the
note's frequency in Hz, and gives [n_samples].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.take import Take

Voice = Callable[[Take, float], np.ndarray]


def piano(take: Take, hz: float) -> np.ndarray:
    """Slightly stretched partials; the high ones die first."""
    numbers = np.arange(1, 13)
    partials = hz * numbers * np.sqrt(1 + 0.0004 * numbers**2)
    thump = noise.low_pass(noise.white(take), take.sample_rate, 400) * envelopes.decay(take, 0.015)
    strings = resonators.modes(take, partials, 0.9 / numbers**0.7, 1 / numbers**1.1, attack_s=0.004)
    return strings + 0.15 * thump


def guitar(take: Take, hz: float) -> np.ndarray:
    """A plucked string."""
    return noise.low_pass(resonators.string(take, hz, damping=0.9965), take.sample_rate, 6 * hz)


def bass(take: Take, hz: float) -> np.ndarray:
    """A plucked bass string: low and round."""
    return noise.low_pass(resonators.string(take, hz, damping=0.995), take.sample_rate, 8 * hz)


def harp(take: Take, hz: float) -> np.ndarray:
    """A soft pluck that rings without an edge."""
    numbers = np.arange(1, 6)
    return resonators.modes(take, hz * numbers, 0.7 / numbers, 1 / numbers**2, attack_s=0.003)


def organ(take: Take, hz: float) -> np.ndarray:
    """Pipes at octaves and fifths, steady as long as the key is down."""
    pipes = (1.0, 0.8, 0.45, 0.6, 0.0, 0.35, 0.0, 0.4)
    return oscillators.stack(take, hz, pipes) * envelopes.swell(take, 0.03, 0.05)


def flute(take: Take, hz: float) -> np.ndarray:
    """Almost a sine, with breath round it."""
    tone = oscillators.stack(take, hz * oscillators.vibrato(take, 5, 0.006), (1.0, 0.25, 0.1, 0.03))
    breath = resonators.resonance(take, noise.white(take), 2 * hz, 400)
    return (tone + 0.5 * breath) * envelopes.swell(take, 0.06, 0.08)


def clarinet(take: Take, hz: float) -> np.ndarray:
    """Odd harmonics: hollow."""
    odd = (1.0, 0.03, 0.7, 0.05, 0.45, 0.05, 0.25, 0.04, 0.15)
    return oscillators.stack(take, hz, odd) * envelopes.swell(take, 0.04, 0.06)


def saxophone(take: Take, hz: float) -> np.ndarray:
    """All harmonics with a reedy buzz."""
    source = oscillators.saw(take, hz * oscillators.vibrato(take, 5, 0.008))
    source = source + 0.12 * noise.white(take)
    shaped = resonators.formants(take, source, (520, 1_150, 2_300), (1.0, 0.8, 0.35), 0.4)
    return shaped * envelopes.swell(take, 0.04, 0.07)


def trumpet(take: Take, hz: float) -> np.ndarray:
    """Brass: the louder it swells the brighter it is."""
    rise = np.minimum(take.seconds() / 0.07, 1.0)
    dull = oscillators.stack(take, hz, 0.5 ** np.arange(12))
    bright = oscillators.stack(take, hz, [min(1.0, 0.45 * n) * 0.87**n for n in range(1, 16)])
    return (dull * (1 - rise) + bright * rise) * envelopes.swell(take, 0.03, 0.06)


def violin(take: Take, hz: float) -> np.ndarray:
    """A bowed saw with vibrato through the body's resonances."""
    vibrato = 1 + 0.012 * np.minimum(take.seconds() / 0.3, 1) * np.sin(
        2 * np.pi * 5.7 * take.seconds()
    )
    source = oscillators.saw(take, hz * vibrato) + 0.04 * noise.white(take)
    body = resonators.formants(take, source, (480, 1_000, 2_700, 3_600), (0.8, 0.7, 1.0, 0.6), 0.25)
    return (body + 0.15 * source) * envelopes.swell(take, 0.1, 0.1)


def cello(take: Take, hz: float) -> np.ndarray:
    """The violin's larger sister: the same bow, lower resonances."""
    vibrato = 1 + 0.009 * np.minimum(take.seconds() / 0.3, 1) * np.sin(
        2 * np.pi * 5 * take.seconds()
    )
    source = oscillators.saw(take, hz * vibrato)
    body = resonators.formants(take, source, (210, 430, 900), (1.0, 0.8, 0.3), 0.3)
    return (body + 0.05 * source) * envelopes.swell(take, 0.12, 0.12)


def marimba(take: Take, hz: float) -> np.ndarray:
    """A wooden bar: fundamental and its double octave, soon gone."""
    return resonators.modes(take, [hz, 3.93 * hz, 9.2 * hz], (0.2, 0.05, 0.02), (1.0, 0.4, 0.15))


def accordion(take: Take, hz: float) -> np.ndarray:
    """Two reeds a little apart, beating."""
    reeds = oscillators.square(take, hz) + oscillators.square(take, 1.008 * hz)
    reeds = reeds + 0.5 * oscillators.stack(take, 2 * hz, 0.75 ** np.arange(8))
    return reeds * envelopes.swell(take, 0.05, 0.06)


def kick(take: Take) -> np.ndarray:
    """A bass drum: a sine that falls."""
    seconds = take.seconds()
    curve = take.pitch * (52 + 95 * np.exp(-seconds / 0.025))
    body = np.sin(2 * np.pi * np.cumsum(curve) / take.sample_rate)
    click = noise.low_pass(noise.white(take), take.sample_rate, 1_800)
    return body * envelopes.decay(take, 0.09) + 0.12 * click * envelopes.decay(take, 0.006)


def snare(take: Take) -> np.ndarray:
    """A snare drum: two low modes and the wires."""
    head = resonators.modes(take, take.pitch * np.array([185.0, 330.0]), 0.04, (1.0, 0.7))
    wires = noise.band(take, 1_200, 6_500) * envelopes.decay(take, 0.055)
    return head + 0.9 * wires


def hat(take: Take) -> np.ndarray:
    """A closed hi-hat: the top of the noise."""
    top = noise.high_pass(noise.white(take), take.sample_rate, 5_200)
    return top * envelopes.decay(take, 0.016, 0.0008)
