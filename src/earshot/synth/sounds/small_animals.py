"""Birds, insects, frogs, snakes: whistles, pulses and hisses more than voices."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat
from earshot.synth.take import Take


def songbird(take: Take) -> np.ndarray:
    """Quick whistled syllables that sweep about between 2.5 and 5 kHz."""

    def chirp(part: Take) -> np.ndarray:
        ends = np.array([take.uniform(2_500, 4_600) for _ in range(3)])
        curve = np.minimum(part.pitch * envelopes.contour(part, ends), part.top_hz)
        return oscillators.sine(part, curve) * envelopes.hump(part, 0.4)

    return repeat(take, 6.0, 0.11, chirp, jitter=0.2)


def owl(take: Take) -> np.ndarray:
    """Hoo, hoo-hoo: soft low whistles."""

    def hoot(part: Take) -> np.ndarray:
        curve = part.pitch * envelopes.contour(part, (330, 390, 380, 360))
        return oscillators.stack(part, curve, (1.0, 0.12, 0.05)) * envelopes.hump(part, 0.4)

    return repeat(take, 1.5, 0.42, hoot, jitter=0.12)


def cricket(take: Take) -> np.ndarray:
    """Chirps of four pulses near 4.5 kHz."""
    hz = min(4_500 * take.pitch, take.top_hz)

    def chirp(part: Take) -> np.ndarray:
        pulses = np.maximum(np.sin(np.pi * 4 * part.seconds() / part.duration_s) ** 2 - 0.1, 0)
        return oscillators.sine(part, hz) * pulses

    return repeat(take, 2.6, 0.16, chirp, jitter=0.02)


def cicada(take: Take) -> np.ndarray:
    """A long shrill buzz: a band near 6 kHz, rattled a hundred times a second."""
    buzz = noise.band(take, 4_800 * take.pitch, 6_600 * take.pitch)
    rattle = np.abs(np.sin(np.pi * 110 * take.seconds()))
    slow = 0.7 + 0.3 * np.sin(2 * np.pi * 1.1 * take.speed * take.seconds())
    return buzz * rattle * slow * envelopes.swell(take, 0.3, 0.3)


def bee(take: Take) -> np.ndarray:
    """Wings at two hundred beats a second, drawing near and away."""
    curve = take.pitch * 205 * noise.wander(take, 2.0, 0.9, 1.12)
    wings = oscillators.saw(take, curve) * (1 + 0.3 * noise.white(take))
    return noise.band_pass(wings, take.sample_rate, 180, 2_600) * noise.wander(take, 1.5, 0.4, 1.0)


def mosquito(take: Take) -> np.ndarray:
    """A thin whine that drifts."""
    curve = take.pitch * 760 * noise.wander(take, 2.5, 0.92, 1.1)
    return oscillators.stack(take, curve, (1, 0.5, 0.35, 0.2, 0.1)) * noise.wander(take, 2, 0.3, 1)


def frog(take: Take) -> np.ndarray:
    """Croaks: a rattle of pulses through a throat sac."""

    def croak(part: Take) -> np.ndarray:
        times = np.arange(0.0, part.duration_s - 0.01, 1 / 38.0)
        hz = part.pitch * np.linspace(560, 700, len(times))
        body = resonators.drops(part, times, hz, 0.012, np.linspace(0.5, 1, len(times)))
        edge = resonators.drops(part, times, 2.6 * hz, 0.005, 0.5)
        return (body + edge) * envelopes.swell(part, 0.05, 0.05)

    return repeat(take, 1.8, 0.34, croak)


def snake(take: Take) -> np.ndarray:
    """A hiss that swells and fades."""
    hiss = noise.band(take, 3_600 * take.pitch, 7_400)
    return hiss * envelopes.hump(take, 0.4, 0.7)


def woodpecker(take: Take) -> np.ndarray:
    """Rolls of knocks on a hollow trunk."""

    def roll(part: Take) -> np.ndarray:
        times = np.arange(0.0, part.duration_s - 0.03, 1 / (19.0 * take.speed))
        gains = np.hanning(len(times) + 2)[1:-1] + 0.4
        knock = resonators.drops(part, times, part.pitch * 900, 0.008, gains)
        return knock + resonators.drops(part, times, part.pitch * 1_750, 0.005, 0.6 * gains)

    return repeat(take, 1.05, 0.6, roll)


KINDS = (
    SoundKind(
        "songbird",
        "animals",
        songbird,
        nouns=("birdsong", "chirping birds", "a bird's song"),
        actions=(
            "a bird | chirps | chirping",
            "birds | sing | singing",
            "a bird | tweets | tweeting",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "owl",
        "animals",
        owl,
        nouns=("an owl hoot", "hooting"),
        actions=("an owl | hoots | hooting", "an owl | calls | calling"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "crickets",
        "animals",
        cricket,
        nouns=("crickets", "a cricket's chirp"),
        actions=("crickets | chirp | chirping", "a cricket | stridulates | stridulating"),
        obeys=("speed", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "cicada",
        "animals",
        cicada,
        nouns=("cicadas", "a cicada's buzz"),
        actions=("cicadas | shrill | shrilling", "a cicada | rattles | rattling"),
        obeys=("length",),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "bee",
        "animals",
        bee,
        nouns=("a bee's buzz", "an insect buzz", "buzzing"),
        actions=("a bee | buzzes | buzzing", "an insect | hums | humming"),
        obeys=("pitch", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "mosquito",
        "animals",
        mosquito,
        nouns=("a mosquito", "a mosquito's whine"),
        actions=("a mosquito | whines | whining", "a gnat | whines | whining"),
        obeys=("length",),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "frog",
        "animals",
        frog,
        nouns=("a frog's croak", "croaking"),
        actions=("a frog | croaks | croaking", "a toad | croaks | croaking"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "snake hiss",
        "animals",
        snake,
        nouns=("a snake hiss", "the hiss of a snake"),
        actions=("a snake | hisses | hissing", "a serpent | hisses | hissing"),
        obeys=("length",),
        span_s=(0.9, 1.8),
    ),
    SoundKind(
        "woodpecker",
        "animals",
        woodpecker,
        nouns=("a woodpecker", "a woodpecker's drumming"),
        actions=(
            "a woodpecker | pecks | pecking",
            "a woodpecker | drums on a tree | drumming on a tree",
        ),
        obeys=("speed", "pitch"),
        span_s=(1.0, 2.2),
    ),
)
