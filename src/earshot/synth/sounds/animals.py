"""Animals with a throat: a rough or smooth source, bent in pitch, through resonances."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take

SIZE = 0.7  # a higher voice comes from a smaller throat: formants move with pitch ** SIZE


def cry(take: Take, hz: Sequence[float], breath: float = 0.1, rough_hz: float = 0.0) -> np.ndarray:
    """A voice source along a pitch contour: saw, breath, and roughness when wanted."""
    curve = take.pitch * envelopes.contour(take, hz) * oscillators.vibrato(take, 5.5, 0.01)
    source = oscillators.saw(take, curve) + breath * noise.white(take)
    if rough_hz:
        source = source * (1 + 0.8 * oscillators.sine(take, rough_hz))
    return source


def throat(
    take: Take,
    source: np.ndarray,
    hz: Sequence[float],
    gains: Sequence[float],
    width: float = 0.12,
) -> np.ndarray:
    """`source` through formants that suit the take's pitch."""
    return resonators.formants(take, source, [take.pitch**SIZE * f for f in hz], gains, width)


def repeat(
    take: Take,
    rate_hz: float,
    call_s: float,
    call: Callable[[Take], np.ndarray],
    jitter: float = 0.08,
) -> np.ndarray:
    """`call` over and over, `rate_hz * take.speed` a second; no call outlasts its share.

    Slow repeats are fitted so that a whole number of them fills the take.
    """
    rate_hz *= take.speed
    if rate_hz * call_s > 0.7:  # more sound than silence: a remainder would be heard as a gap
        rate_hz = max(1, round(take.duration_s * rate_hz)) / take.duration_s
    call_s = min(call_s, 0.95 / rate_hz, take.duration_s)
    times = envelopes.beats(take, rate_hz / take.speed, jitter, room_s=call_s)
    part = take.part(call_s)
    return envelopes.place(take, times, [call(part) * take.uniform(0.75, 1.0) for _ in times])


def dog(take: Take) -> np.ndarray:
    """Barks: short rough bursts whose pitch leaps and falls."""

    def bark(part: Take) -> np.ndarray:
        source = cry(part, (380, 560, 480, 260), breath=0.5, rough_hz=72)
        shaped = throat(part, source, (620, 1_250, 2_300), (1.0, 0.9, 0.4), width=0.2)
        return shaped * envelopes.hump(part, 0.2)

    return repeat(take, 2.3, 0.2, bark)


def cat(take: Take) -> np.ndarray:
    """A meow: the mouth opens and closes over a rising and falling pitch."""

    def meow(part: Take) -> np.ndarray:
        source = cry(part, (520, 680, 740, 700, 560, 430), breath=0.04)
        narrow = resonators.vowel(part, source, "i", 1.35 * part.pitch**SIZE)
        open_ = resonators.vowel(part, source, "a", 1.35 * part.pitch**SIZE)
        mouth = envelopes.hump(part, 0.45)
        return (narrow * (1 - mouth) + 1.6 * open_ * mouth) * envelopes.swell(part, 0.08, 0.25)

    return repeat(take, 0.95, 0.8, meow)


def rooster(take: Take) -> np.ndarray:
    """Cock-a-doodle-doo: three short notes and a long falling one."""
    length = take.duration_s
    plan = ((0.0, 0.13, (480, 560)), (0.16, 0.12, (620, 650)), (0.3, 0.2, (650, 820, 780)),
            (0.52, 0.46, (640, 860, 840, 780, 560)))  # fmt: skip
    calls = []
    for _, share, hz in plan:
        part = take.part(share * length)
        source = cry(part, hz, breath=0.15, rough_hz=38)
        shaped = throat(part, source, (900, 1_900, 3_000), (1.0, 0.8, 0.4), width=0.15)
        calls.append(shaped * envelopes.swell(part, 0.02, 0.08))
    return envelopes.place(take, [start * length for start, _, _ in plan], calls)


def cow(take: Take) -> np.ndarray:
    """A moo: low, long, opening from the nose to the mouth."""
    source = cry(take, (105, 135, 160, 158, 150, 120), breath=0.05)
    nose = throat(take, source, (230, 900), (1.0, 0.1))
    mouth = throat(take, source, (430, 760, 2_200), (1.0, 0.6, 0.12))
    opening = envelopes.contour(take, (0, 0.5, 1, 1, 0.6))
    return (nose * (1 - opening) + mouth * opening) * envelopes.swell(take, 0.2, 0.35)


def sheep(take: Take) -> np.ndarray:
    """A bleat: a nasal voice that shakes."""

    def bleat(part: Take) -> np.ndarray:
        source = cry(part, (330, 360, 340, 300), breath=0.12)
        shaped = throat(part, source, (750, 1_650, 2_700), (1.0, 0.9, 0.4), width=0.14)
        shake = 0.55 + 0.45 * np.sin(2 * np.pi * 8.5 * part.seconds())
        return shaped * shake * envelopes.swell(part, 0.05, 0.2)

    return repeat(take, 0.9, 0.8, bleat)


def crow(take: Take) -> np.ndarray:
    """Caws: harsh, noisy, near 1.4 kHz."""

    def caw(part: Take) -> np.ndarray:
        source = cry(part, (520, 560, 500), breath=0.9, rough_hz=88)
        shaped = throat(part, source, (1_350, 1_950, 3_300), (1.0, 0.8, 0.3), width=0.1)
        return shaped * envelopes.swell(part, 0.03, 0.1)

    return repeat(take, 1.6, 0.33, caw)


def duck(take: Take) -> np.ndarray:
    """Quacks: short and nasal, a comb of low harmonics."""

    def quack(part: Take) -> np.ndarray:
        source = cry(part, (210, 235, 190), breath=0.1)
        shaped = throat(part, source, (1_050, 2_350, 3_100), (1.0, 0.55, 0.2), width=0.08)
        return shaped * envelopes.hump(part, 0.3)

    return repeat(take, 3.4, 0.17, quack)


def pig(take: Take) -> np.ndarray:
    """Oinks: snorting noise in a coarse flutter."""

    def oink(part: Take) -> np.ndarray:
        flutter = np.maximum(np.sin(2 * np.pi * part.pitch * 32 * part.seconds()), 0.05)
        breath = throat(part, noise.white(part), (420, 1_300, 2_100), (1.0, 0.5, 0.3))
        return breath * flutter * envelopes.hump(part, 0.4)

    return repeat(take, 2.2, 0.3, oink)


def wolf(take: Take) -> np.ndarray:
    """A howl: smooth, long, up and slowly down."""
    curve = take.pitch * envelopes.contour(take, (300, 480, 560, 565, 560, 540, 470, 380))
    curve = curve * oscillators.vibrato(take, 4.5, 0.008)
    return oscillators.stack(take, curve, (1.0, 0.35, 0.12, 0.05)) * envelopes.swell(
        take, 0.25, 0.5
    )


def horse(take: Take) -> np.ndarray:
    """A gallop: hooves in threes."""
    bars = envelopes.beats(take, 2.0, 0.02, room_s=0.3)
    times = np.concatenate([bars + step / take.speed for step in (0.0, 0.13, 0.26)])
    times = times[times < take.duration_s - 0.05]
    part = take.part(0.09)
    clops = []
    for _ in times:
        hz = take.pitch * np.array([480, 830, 1_350]) * take.uniform(0.9, 1.15)
        thud = noise.low_pass(noise.white(part), take.sample_rate, 260)
        clop = resonators.modes(part, hz, 0.012, (1.0, 0.8, 0.5))
        clops.append(clop + 0.8 * thud / np.std(thud) * 0.3 * envelopes.decay(part, 0.02))
    return envelopes.place(take, times, clops)


KINDS = (
    SoundKind(
        "dog bark",
        "animals",
        dog,
        nouns=("a dog bark", "barking"),
        actions=("a dog | barks | barking", "a hound | barks | barking", "a dog | woofs | woofing"),
        obeys=("speed", "pitch", "length"),
        span_s=(0.7, 2.2),
    ),
    SoundKind(
        "cat meow",
        "animals",
        cat,
        nouns=("a cat meow", "a cat's meow", "meowing"),
        actions=("a cat | meows | meowing", "a kitten | mews | mewing"),
        obeys=("pitch",),
        span_s=(0.8, 1.3),
    ),
    SoundKind(
        "rooster",
        "animals",
        rooster,
        nouns=("a rooster call", "a cock crow", "a rooster's crow"),
        actions=("a rooster | crows | crowing", "a cockerel | crows | crowing"),
        obeys=("pitch", "length"),
        span_s=(1.3, 2.0),
    ),
    SoundKind(
        "cow",
        "animals",
        cow,
        nouns=("a cow's moo", "a moo", "mooing"),
        actions=("a cow | moos | mooing", "a cow | bellows | bellowing"),
        obeys=("pitch", "length"),
        span_s=(1.2, 2.2),
    ),
    SoundKind(
        "sheep",
        "animals",
        sheep,
        nouns=("a sheep's bleat", "bleating"),
        actions=("a sheep | bleats | bleating", "a lamb | bleats | bleating"),
        obeys=("pitch",),
        span_s=(0.8, 1.8),
    ),
    SoundKind(
        "crow",
        "animals",
        crow,
        nouns=("a crow's caw", "cawing"),
        actions=("a crow | caws | cawing", "a raven | caws | cawing"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.0, 2.4),
    ),
    SoundKind(
        "duck",
        "animals",
        duck,
        nouns=("a duck's quack", "quacking"),
        actions=("a duck | quacks | quacking", "ducks | quack | quacking"),
        obeys=("speed", "pitch", "length"),
        span_s=(0.8, 2.2),
    ),
    SoundKind(
        "pig",
        "animals",
        pig,
        nouns=("a pig's grunt", "oinking"),
        actions=("a pig | grunts | grunting", "a pig | oinks | oinking"),
        obeys=("speed", "length"),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "wolf howl",
        "animals",
        wolf,
        nouns=("a wolf howl", "the howl of a wolf"),
        actions=("a wolf | howls | howling", "a coyote | howls | howling"),
        obeys=("pitch", "length"),
        span_s=(1.6, 2.8),
    ),
    SoundKind(
        "horse gallop",
        "animals",
        horse,
        nouns=("a horse gallop", "hoofbeats", "clopping hooves"),
        actions=("a horse | gallops | galloping", "hooves | clatter | clattering"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.4, 3.2),
    ),
)
