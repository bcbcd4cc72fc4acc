"""Tools: blows on metal and wood, teeth through timber, motors under load."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat, throat
from earshot.synth.sounds.vehicles import motor
from earshot.synth.take import Take


def hammer(take: Take) -> np.ndarray:
    """Steel on a nail: a clank and a knock."""

    def blow(part: Take) -> np.ndarray:
        steel = part.pitch * np.array([1_180, 2_450, 3_620, 5_400])
        clank = resonators.modes(part, steel, (0.05, 0.035, 0.03, 0.02), (0.7, 1.0, 0.8, 0.5))
        wood = resonators.modes(part, [190, 330], 0.02, (1.0, 0.6))
        return clank + wood

    return repeat(take, 2.0, 0.24, blow)


def hand_saw(take: Take) -> np.ndarray:
    """Strokes to and fro, the teeth ticking through."""

    def stroke(part: Take) -> np.ndarray:
        teeth = 0.3 + np.maximum(np.sin(2 * np.pi * 85 * part.seconds()), 0)
        rasp = resonators.formants(part, noise.white(part), (1_500, 2_900), (1.0, 0.8), 0.4)
        return rasp * teeth * envelopes.hump(part, 0.6)

    return repeat(take, 2.6, 0.34, stroke, jitter=0.03)


def drill(take: Take) -> np.ndarray:
    """An electric whine that starts, sinks under load and stops."""
    load = np.interp(
        take.seconds() / take.duration_s, (0, 0.1, 0.3, 0.85, 1), (0.3, 1.0, 0.88, 0.9, 0.4)
    )
    hz = take.pitch * 430 * load
    whine = oscillators.stack(take, hz, (0.3, 0.7, 1.0, 0.5, 0.8, 0.4, 0.4, 0.2))
    brushes = noise.band(take, 1_800, 5_500) * (0.6 + 0.4 * oscillators.sine(take, hz / 6))
    return (whine + 0.8 * brushes) * load**2


def chainsaw(take: Take) -> np.ndarray:
    """A two-stroke motor, throttled in bursts."""
    throttle = 0.7 + 0.4 * np.maximum(
        np.sin(2 * np.pi * 0.7 * take.seconds() + take.uniform(0, 6)), 0
    )
    hz = take.pitch * 128 * throttle * noise.wander(take, 8, 0.97, 1.03)
    body = motor(take, hz, 2.0, 4_500)
    return throat(take, body, (520, 1_400, 2_900), (1.0, 1.0, 0.9), 0.35) * throttle


def jackhammer(take: Take) -> np.ndarray:
    """A dozen heavy blows a second."""
    times = envelopes.beats(take, 13.5, 0.03, room_s=0.04)
    gains = take.rng.uniform(0.8, 1.0, len(times))
    blow = resonators.drops(take, times, 95 * take.pitch, 0.022, gains)
    steel = resonators.drops(take, times, 1_050 * take.pitch, 0.01, 0.5 * gains)
    grit = noise.band(take, 900, 4_000) * np.exp(
        -np.mod(take.seconds() * 13.5 * take.speed, 1.0) / 0.3
    )
    return blow + steel + 0.25 * grit


def sander(take: Take) -> np.ndarray:
    """Sandpaper over wood in short strokes."""

    def rub(part: Take) -> np.ndarray:
        return noise.band(part, 3_000, 7_300) * envelopes.hump(part, 0.5, 0.7)

    return repeat(take, 4.6, 0.19, rub, jitter=0.04)


def ratchet(take: Take) -> np.ndarray:
    """A pawl clicking over its teeth, in turns."""

    def turn(part: Take) -> np.ndarray:
        times = np.arange(0.0, part.duration_s - 0.01, 1 / (15.0 * take.speed))
        click = resonators.drops(part, times, 2_900, 0.0035, 1.0)
        return click + resonators.drops(part, times, 5_100, 0.002, 0.6)

    return repeat(take, 1.5, 0.45, turn)


KINDS = (
    SoundKind(
        "hammering",
        "tools",
        hammer,
        nouns=("hammering", "hammer blows"),
        actions=("a hammer | strikes a nail | striking a nail", "someone | hammers | hammering"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "hand saw",
        "tools",
        hand_saw,
        nouns=("a hand saw", "sawing"),
        actions=(
            "someone | saws wood | sawing wood",
            "a saw | cuts through wood | cutting through wood",
        ),
        obeys=("speed", "length"),
        span_s=(1.4, 3.0),
    ),
    SoundKind(
        "drill",
        "tools",
        drill,
        nouns=("a drill", "an electric drill"),
        actions=("a drill | whirs | whirring", "someone | drills a hole | drilling a hole"),
        obeys=("pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "chainsaw",
        "tools",
        chainsaw,
        nouns=("a chainsaw", "a motor saw"),
        actions=("a chainsaw | roars | roaring", "a chainsaw | cuts a tree | cutting a tree"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.2),
    ),
    SoundKind(
        "jackhammer",
        "tools",
        jackhammer,
        nouns=("a jackhammer", "a pneumatic drill"),
        actions=(
            "a jackhammer | pounds | pounding",
            "a jackhammer | breaks the pavement | breaking the pavement",
        ),
        obeys=("speed", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "sanding",
        "tools",
        sander,
        nouns=("sanding", "sandpaper on wood"),
        actions=("someone | sands wood | sanding wood", "sandpaper | scrapes | scraping"),
        obeys=("speed", "length"),
        span_s=(1.2, 2.6),
    ),
    SoundKind(
        "ratchet",
        "tools",
        ratchet,
        nouns=("a ratchet", "a ratchet wrench"),
        actions=("a ratchet | clicks | clicking", "someone | turns a ratchet | turning a ratchet"),
        obeys=("speed", "length"),
        span_s=(1.0, 2.2),
    ),
)
