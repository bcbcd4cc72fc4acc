"""Vehicles: engines as trains of firings, horns as chords, blades as chopped noise."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat, throat
from earshot.synth.take import Take


def motor(take: Take, hz: np.ndarray | float, rough: float, bright_hz: float) -> np.ndarray:
    """Firings at `hz`: a saw and noise bursts in step with it, dulled by the exhaust."""
    phase = oscillators.turns(take, hz, take.uniform(0, 1))
    firing = np.maximum(np.sin(2 * np.pi * phase), 0) ** 3
    source = oscillators.saw(take, hz) + rough * noise.white(take) * firing
    return noise.low_pass(source, take.sample_rate, bright_hz)


def engine(take: Take) -> np.ndarray:
    """A car standing with its engine on."""
    hz = take.pitch * 31 * noise.wander(take, 3, 0.97, 1.03)
    body = motor(take, hz, 1.2, 320 * take.pitch)
    return body + 0.1 * noise.low_pass(noise.white(take), take.sample_rate, 900)


def motorcycle(take: Take) -> np.ndarray:
    """Revving up and letting go."""
    rev = np.interp(
        take.seconds() / take.duration_s, (0, 0.15, 0.5, 0.62, 1), (0.5, 0.6, 1.5, 1.0, 0.6)
    )
    hz = take.pitch * 92 * rev
    body = motor(take, hz, 1.5, 1_500 * take.pitch)
    return throat(take, body, (240, 700, 1_300), (1, 0.8, 0.5), 0.3) * (0.5 + 0.5 * rev)


def car_horn(take: Take) -> np.ndarray:
    """Two notes, a third apart, honked."""

    def honk(part: Take) -> np.ndarray:
        chord = oscillators.saw(part, 415 * part.pitch) + oscillators.saw(part, 520 * part.pitch)
        return noise.band_pass(chord, part.sample_rate, 350, 3_500) * envelopes.swell(
            part, 0.02, 0.04
        )

    return repeat(take, 1.5, 0.45, honk)


def train_horn(take: Take) -> np.ndarray:
    """Five trumpets at once, long."""
    drift = 1 + 0.01 * (1 - np.exp(-take.seconds() / 0.15))
    chord = np.zeros(take.n_samples)
    for hz in (233.0, 277.0, 311.0, 392.0, 466.0):
        chord += oscillators.saw(take, take.pitch * hz * drift)
    air = 0.3 * noise.white(take)
    return noise.low_pass(chord + air, take.sample_rate, 1_700) * envelopes.swell(take, 0.1, 0.3)


def train(take: Take) -> np.ndarray:
    """Wheels over rail joints, four clacks and a gap, on a rumble."""
    rumble = noise.low_pass(noise.sloped(take, -4), take.sample_rate, 420)
    bars = envelopes.beats(take, 1.45, 0.01, room_s=0.2)
    times = np.concatenate([bars + step / take.speed for step in (0.0, 0.09, 0.3, 0.39)])
    times = times[times < take.duration_s - 0.03]
    hz = take.pitch * take.rng.uniform(0.95, 1.05, len(times))
    clack = resonators.drops(take, times, 320 * hz, 0.02) + resonators.drops(
        take, times, 1_500 * hz, 0.01, 0.7
    )
    return 0.12 * rumble / np.std(rumble) + clack


def helicopter(take: Take) -> np.ndarray:
    """Blades chopping the air, a turbine behind."""
    chop = np.mod(take.seconds() * 11.5 * take.speed, 1.0)
    slap = np.exp(-chop / 0.16)
    low = noise.low_pass(noise.white(take), take.sample_rate, 380 * take.pitch)
    high = noise.band(take, 700, 2_600)
    thump = np.sin(2 * np.pi * 62 * take.pitch * take.seconds())
    whine = 0.05 * oscillators.stack(take, 840 * take.pitch, (1, 0.4))
    return (low / np.std(low) + 0.7 * thump) * (0.1 + slap) + 0.25 * high * slap + whine


def airplane(take: Take) -> np.ndarray:
    """A jet passing over: a roar that brightens and sinks."""
    passing = envelopes.hump(take, 0.5, 0.8)
    roar = noise.sloped(take, -4.5)
    bright = noise.band(take, 600, 2_400)
    whine = oscillators.sine(
        take, take.pitch * envelopes.contour(take, (1_900, 1_800, 1_500, 1_400))
    )
    return roar * (0.25 + passing) + 0.5 * bright * passing**2 + 0.12 * whine * passing


def siren(take: Take) -> np.ndarray:
    """An emergency wail, up and down."""
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * (take.seconds() * 0.9 * take.speed + take.uniform(0, 1)))
    return oscillators.stack(take, take.pitch * (620 + 780 * swing), (1, 0.45, 0.3, 0.15, 0.1))


def two_tone(take: Take) -> np.ndarray:
    """A European siren: two notes in turn."""
    turn = np.mod(take.seconds() * 1.1 * take.speed + take.uniform(0, 1), 1.0) < 0.5
    return oscillators.stack(
        take, take.pitch * np.where(turn, 440.0, 587.0), (1, 0.5, 0.7, 0.3, 0.3, 0.1)
    )


def bicycle_bell(take: Take) -> np.ndarray:
    """Dring-dring: a cup struck quickly by its clapper."""

    def ring(part: Take) -> np.ndarray:
        times = np.arange(0.0, 0.28, 1 / 22.0)
        bell = np.zeros(part.n_samples)
        for hz, gain in ((2_150.0, 1.0), (2_190.0, 0.8), (4_320.0, 0.4), (6_800.0, 0.2)):
            bell += resonators.drops(part, times, part.pitch * hz, 0.12, gain)
        return bell * envelopes.swell(part, 0.001, 0.05)

    return repeat(take, 1.7, 0.55, ring)


def truck_beeper(take: Take) -> np.ndarray:
    """A lorry in reverse."""

    def beep(part: Take) -> np.ndarray:
        return oscillators.square(part, 1_240 * part.pitch, 3) * envelopes.swell(part, 0.01, 0.01)

    return repeat(take, 1.1, 0.46, beep, jitter=0.0)


KINDS = (
    SoundKind(
        "engine idling",
        "vehicles",
        engine,
        nouns=("an idling engine", "a car engine", "the rumble of an engine"),
        actions=("an engine | idles | idling", "a car engine | runs | running"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "motorcycle",
        "vehicles",
        motorcycle,
        nouns=("a motorcycle", "a revving motorbike"),
        actions=("a motorcycle | revs up | revving up", "a motorbike | accelerates | accelerating"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.0),
    ),
    SoundKind(
        "car horn",
        "vehicles",
        car_horn,
        nouns=("a car horn", "honking"),
        actions=("a car | honks | honking", "a driver | honks the horn | honking the horn"),
        obeys=("speed", "pitch", "length"),
        span_s=(0.6, 1.8),
    ),
    SoundKind(
        "train horn",
        "vehicles",
        train_horn,
        nouns=("a train horn", "the horn of a train"),
        actions=("a train | blows its horn | blowing its horn", "a locomotive | hoots | hooting"),
        obeys=("pitch", "length"),
        span_s=(1.2, 2.5),
    ),
    SoundKind(
        "train",
        "vehicles",
        train,
        nouns=("a train on tracks", "a passing train"),
        actions=(
            "a train | clatters by | clattering by",
            "a train | rolls over the rails | rolling over the rails",
        ),
        obeys=("speed", "length"),
        span_s=(1.8, 3.5),
    ),
    SoundKind(
        "helicopter",
        "vehicles",
        helicopter,
        nouns=("a helicopter", "the chop of a helicopter"),
        actions=("a helicopter | flies | flying", "a helicopter | hovers | hovering"),
        obeys=("speed", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "airplane",
        "vehicles",
        airplane,
        nouns=("an airplane", "a jet plane", "an aircraft"),
        actions=("an airplane | flies over | flying over", "a jet | roars by | roaring by"),
        obeys=("length",),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "siren",
        "vehicles",
        siren,
        nouns=("a siren", "an emergency siren", "a police siren"),
        actions=("a siren | wails | wailing", "a siren | blares | blaring"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.5, 3.2),
    ),
    SoundKind(
        "two-tone siren",
        "vehicles",
        two_tone,
        nouns=("a two-tone siren", "an ambulance horn"),
        actions=(
            "an ambulance | sounds its two-tone horn | sounding its two-tone horn",
            "a two-tone siren | alternates | alternating",
        ),
        obeys=("speed", "length"),
        span_s=(1.5, 3.2),
    ),
    SoundKind(
        "bicycle bell",
        "vehicles",
        bicycle_bell,
        nouns=("a bicycle bell", "a bike bell"),
        actions=("a bicycle bell | rings | ringing", "a cyclist | rings a bell | ringing a bell"),
        obeys=("speed", "length"),
        span_s=(0.7, 1.6),
    ),
    SoundKind(
        "reversing beeps",
        "vehicles",
        truck_beeper,
        nouns=("reversing beeps", "a reverse warning signal"),
        actions=(
            "a truck | beeps in reverse | beeping in reverse",
            "a lorry | backs up beeping | backing up beeping",
        ),
        obeys=("speed", "length"),
        span_s=(1.6, 3.2),
    ),
)
