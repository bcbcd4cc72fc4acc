"""Bells: struck metal with the partials that its shape gives it."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat, throat
from earshot.synth.take import Take

CHURCH = np.array(
    [0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0]
)  # hum, prime, tierce, quint, nominal ...


def church_bell(take: Take) -> np.ndarray:
    """Slow strokes of a great bell, its minor third ringing on."""
    stroke_s = min(1.1 / take.speed, take.duration_s)

    def stroke(part: Take) -> np.ndarray:
        taus = 1.1 / CHURCH**0.8
        return resonators.modes(part, 330 * part.pitch * CHURCH, taus,
                                (0.7, 1, 0.9, 0.4, 0.8, 0.3, 0.3, 0.2))  # fmt: skip

    times = envelopes.beats(take, 0.95, 0.01, room_s=0.6 * stroke_s)
    part = take.part(take.duration_s)
    return envelopes.place(take, times, [stroke(part) for _ in times])


def hand_bell(take: Take) -> np.ndarray:
    """A small bell shaken."""

    def ring(part: Take) -> np.ndarray:
        hz = 1_620 * part.pitch * np.array([1.0, 2.02, 3.3, 4.1])
        return resonators.modes(part, hz, (0.25, 0.2, 0.12, 0.08), (1, 0.7, 0.4, 0.3))

    return repeat(take, 3.7, 0.26, ring, jitter=0.1)


def wind_chimes(take: Take) -> np.ndarray:
    """Thin tubes knocking together at random."""
    times = envelopes.scatter(take, 5.5, room_s=0.3)
    scale = take.pitch * np.array([1_047, 1_319, 1_568, 1_760, 2_093, 2_637])
    hz = take.rng.choice(scale, len(times))
    gains = take.rng.uniform(0.3, 1.0, len(times))
    first = resonators.drops(take, times, hz, 0.45, gains)
    return first + resonators.drops(take, times, 2.76 * hz, 0.2, 0.5 * gains)


def gong(take: Take) -> np.ndarray:
    """A dense shimmer that blooms after the blow and dies slowly."""
    hz = take.pitch * np.sort(take.rng.uniform(70, 1_500, 40))
    ring = resonators.modes(take, hz, 1.6 / (1 + hz / 500), 1 / (1 + hz / 350), attack_s=0.02)
    bloom = noise.band(take, 400, 2_200) * envelopes.hump(take, 0.15, 2.0)
    return ring + 0.35 * bloom


def doorbell(take: Take) -> np.ndarray:
    """Ding, dong."""
    part = take.part(0.62 * take.duration_s)
    bars = []
    for hz in (659.0, 523.0):
        partials = take.pitch * hz * np.array([1.0, 2.0, 3.98])
        bars.append(resonators.modes(part, partials, (0.45, 0.2, 0.08), (1.0, 0.25, 0.3)))
    return envelopes.place(take, (0.0, 0.38 * take.duration_s), bars)


def music_box(take: Take) -> np.ndarray:
    """Small steel tongues, a plucked lullaby."""
    times = envelopes.beats(take, 5.0, 0.02, room_s=0.15)
    scale = take.pitch * 1_046.5 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    hz = take.rng.choice(scale, len(times))
    tongue = resonators.drops(take, times, hz, 0.22, take.rng.uniform(0.6, 1, len(times)))
    return tongue + resonators.drops(take, times, 5.4 * hz, 0.03, 0.25)


def jingle(take: Take) -> np.ndarray:
    """Sleigh bells: many tiny bells shaken in time."""

    def shake(part: Take) -> np.ndarray:
        hz = part.pitch * part.rng.uniform(3_600, 7_000, 14)
        return resonators.modes(part, hz, 0.06, part.rng.uniform(0.3, 1.0, 14))

    return repeat(take, 4.8, 0.2, shake)


def buzzer(take: Take) -> np.ndarray:
    """A door buzzer: mains hum made harsh."""
    source = oscillators.saw(take, 100 * take.pitch) + 0.5 * oscillators.saw(take, 150 * take.pitch)
    return throat(take, source, (700, 1_900), (1.0, 0.7), 0.4) * envelopes.swell(take, 0.01, 0.02)


KINDS = (
    SoundKind(
        "church bell",
        "bells",
        church_bell,
        nouns=("a church bell", "tolling bells"),
        actions=("a church bell | tolls | tolling", "a great bell | rings | ringing"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.6, 3.5),
    ),
    SoundKind(
        "hand bell",
        "bells",
        hand_bell,
        nouns=("a hand bell", "a small bell"),
        actions=(
            "a hand bell | rings | ringing",
            "someone | shakes a small bell | shaking a small bell",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "wind chimes",
        "bells",
        wind_chimes,
        nouns=("wind chimes", "a wind chime"),
        actions=(
            "wind chimes | tinkle | tinkling",
            "chimes | sway in the breeze | swaying in the breeze",
        ),
        obeys=("pitch", "length"),
        span_s=(1.6, 3.4),
    ),
    SoundKind(
        "gong",
        "bells",
        gong,
        nouns=("a gong", "a struck gong"),
        actions=("a gong | sounds | sounding", "a gong | is struck | being struck"),
        obeys=("pitch",),
        span_s=(1.8, 3.2),
        one_shot=True,
    ),
    SoundKind(
        "doorbell",
        "bells",
        doorbell,
        nouns=("a doorbell", "a door chime"),
        actions=("a doorbell | rings | ringing", "a doorbell | chimes | chiming"),
        obeys=("pitch",),
        span_s=(1.2, 1.7),
        one_shot=True,
    ),
    SoundKind(
        "music box",
        "bells",
        music_box,
        nouns=("a music box", "a music box tune"),
        actions=("a music box | plays | playing", "a music box | tinkles | tinkling"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.4, 3.0),
    ),
    SoundKind(
        "sleigh bells",
        "bells",
        jingle,
        nouns=("sleigh bells", "jingle bells"),
        actions=("sleigh bells | jingle | jingling", "jingle bells | shake | shaking"),
        obeys=("speed", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "buzzer",
        "bells",
        buzzer,
        nouns=("a buzzer", "a door buzzer"),
        actions=("a buzzer | sounds | sounding", "a door buzzer | goes off | going off"),
        obeys=("pitch", "length"),
        span_s=(0.6, 1.4),
    ),
)
