"""Household: clicks, knocks, motors and kettles."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat
from earshot.synth.take import Take


def clock(take: Take) -> np.ndarray:
    """Tick, tock: two small clicks in turn."""
    times = envelopes.beats(take, 2.0, 0.0, room_s=0.05)
    hz = np.where(np.arange(len(times)) % 2 == 0, 2_600.0, 2_050.0) * take.pitch
    tick = resonators.drops(take, times, hz, 0.0045)
    return tick + resonators.drops(take, times, 1.9 * hz, 0.003, 0.5)


def knock(take: Take) -> np.ndarray:
    """Knuckles on a door."""

    def rap(part: Take) -> np.ndarray:
        hz = part.pitch * np.array([145, 240, 390, 620])
        return resonators.modes(part, hz, (0.03, 0.022, 0.015, 0.008), (1, 0.9, 0.7, 0.5))

    return repeat(take, 4.2, 0.16, rap)


def creak(take: Take) -> np.ndarray:
    """A hinge that sticks and slips, ever faster and slower."""
    rate = 45 * noise.wander(take, 2.5, 0.5, 2.2)
    slips = np.diff(np.floor(oscillators.turns(take, rate)), prepend=0.0)
    source = slips * take.rng.uniform(0.6, 1.0, take.n_samples)
    hz = [take.pitch * f for f in (540, 1_130, 1_760, 2_500)]
    return resonators.formants(take, source, hz, (1, 1, 0.8, 0.5), width=0.05) * envelopes.swell(
        take, 0.1, 0.15
    )


def vacuum(take: Take) -> np.ndarray:
    """A motor's hum and whine under rushing air."""
    spin = 1 - 0.4 * np.exp(-take.seconds() / 0.12)
    hum = oscillators.stack(take, take.pitch * 235 * spin, (1, 0.8, 0.5, 0.6, 0.2, 0.3, 0.1, 0.2))
    air = noise.band(take, 350, 4_000, 1)
    return 0.7 * hum + 0.9 * air


def typing(take: Take) -> np.ndarray:
    """Keys struck in an uneven hurry."""
    times = envelopes.beats(take, 7.5, 0.35, room_s=0.06)
    part = take.part(0.05)
    keys = []
    for _ in times:
        body = resonators.modes(
            part, np.array([420, 1_900]) * take.uniform(0.85, 1.2), (0.008, 0.004), (0.5, 1)
        )
        keys.append(
            (body + 0.4 * noise.band(part, 2_000, 5_500) * envelopes.decay(part, 0.004))
            * take.uniform(0.5, 1)
        )
    return envelopes.place(take, times, keys)


def camera(take: Take) -> np.ndarray:
    """Shutter: a clack, a whirr, a clack."""

    def shot(part: Take) -> np.ndarray:
        clack = part.part(0.05)
        burst = noise.band(clack, 1_500, 6_500) * envelopes.decay(clack, 0.008)
        burst = burst + 0.5 * resonators.modes(clack, [900, 2_300], 0.008)
        whirr = part.part(0.13)
        gears = noise.band(whirr, 2_500, 4_500) * np.abs(np.sin(np.pi * 70 * whirr.seconds()))
        return envelopes.place(part, (0, 0.05, 0.16), (burst, 0.18 * gears, 0.8 * burst))

    return repeat(take, 1.9, 0.3, shot)


def microwave(take: Take) -> np.ndarray:
    """Long plain beeps: done."""

    def beep(part: Take) -> np.ndarray:
        return oscillators.sine(part, 1_000) * envelopes.swell(part, 0.01, 0.02)

    return repeat(take, 1.0, 0.62, beep, jitter=0.0)


def kettle(take: Take) -> np.ndarray:
    """Steam that begins to whistle, rising to a steady shriek."""
    rise = 1 - np.exp(-take.seconds() / (0.25 * take.duration_s))
    hz = take.pitch * (1_900 + 700 * rise) * oscillators.vibrato(take, 13, 0.004)
    steam = noise.band(take, 1_800, 6_500)
    return oscillators.stack(take, hz, (1.0, 0.2, 0.1)) * rise**2 + 0.18 * steam


def zipper(take: Take) -> np.ndarray:
    """Teeth closing ever faster."""
    place = take.seconds() / take.duration_s
    teeth = np.mod(oscillators.turns(take, 70 + 120 * place), 1.0)
    hz = 2_300 + 2_400 * place
    rasp = noise.white(take) * oscillators.sine(take, hz)
    return (
        noise.high_pass(rasp, take.sample_rate, 900)
        * np.exp(-teeth * 4)
        * envelopes.swell(take, 0.05, 0.03)
    )


def clink(take: Take) -> np.ndarray:
    """Two glasses meet."""
    hz = take.pitch * np.array([2_450, 2_530, 4_380, 6_700])
    return resonators.modes(take, hz, (0.28, 0.25, 0.16, 0.1), (1.0, 0.8, 0.5, 0.3))


def shatter(take: Take) -> np.ndarray:
    """A pane bursts and its pieces rain down."""
    crash = noise.high_pass(noise.white(take), take.sample_rate, 1_500) * envelopes.decay(
        take, 0.07
    )
    times = np.minimum(take.rng.exponential(0.22, 60), take.duration_s - 0.02)
    hz = take.rng.uniform(2_200, 7_200, 60)
    pieces = resonators.drops(take, np.sort(times), hz, 0.03, take.rng.exponential(0.5, 60))
    return crash + 0.5 * pieces


def washing(take: Take) -> np.ndarray:
    """A drum that turns: slosh and thump over a hum."""
    turn = np.mod(take.seconds() * 1.25 * take.speed, 1.0)
    slosh = noise.band(take, 250, 1_300) * (0.15 + np.exp(-((turn - 0.4) ** 2) / 0.02))
    thump = np.sin(2 * np.pi * 70 * take.seconds()) * np.exp(-turn / 0.12)
    hum = oscillators.stack(take, 100, (1, 0.7, 0.3))
    return 0.8 * slosh + 0.9 * thump + 0.12 * hum


def can(take: Take) -> np.ndarray:
    """A ring pull: a crack, then gas."""
    part = take.part(0.08)
    crack = resonators.modes(part, [1_150, 2_300, 3_900], 0.01, (1, 1, 0.7))
    gas = take.part(0.7 * take.duration_s)
    fizz = noise.band(gas, 4_000, 7_400) * envelopes.decay(gas, 0.16, 0.01)
    return envelopes.place(take, (0.0, 0.06), (crack, 0.6 * fizz))


def mouse(take: Take) -> np.ndarray:
    """Down and up: a double click."""

    def click(part: Take) -> np.ndarray:
        times = np.array([0.0, 0.075])
        high = resonators.drops(part, times, np.array([3_900.0, 4_500.0]), 0.0016)
        return high + resonators.drops(part, times, 1_350, 0.003, 0.35)

    return repeat(take, 2.4, 0.14, click, jitter=0.15)


def coin(take: Take) -> np.ndarray:
    """A coin drops, bounces ever quicker, and rings."""
    steps = 0.28 * 0.72 ** np.arange(12)
    times = np.minimum(np.concatenate([[0.0], np.cumsum(steps)]), take.duration_s - 0.02)
    gains = 0.85 ** np.arange(13)
    ring = np.zeros(take.n_samples)
    for hz, gain in ((3_150.0, 1.0), (5_050.0, 0.8), (6_900.0, 0.5)):
        ring += resonators.drops(take, times, take.pitch * hz, 0.05, gain * gains)
    return ring


def blender(take: Take) -> np.ndarray:
    """A fast motor with the gargle of what is in the jug."""
    spin = take.pitch * 620 * (1 - 0.5 * np.exp(-take.seconds() / 0.2))
    motor = oscillators.saw(take, spin) + 0.6 * oscillators.saw(take, 1.502 * spin)
    gargle = noise.band(take, 500, 2_500) * noise.wander(take, 25, 0.1, 1.0)
    return noise.high_pass(motor, take.sample_rate, 500) + 0.9 * gargle


def page(take: Take) -> np.ndarray:
    """A page turned: a dry sweep and a flap."""
    sweep = (
        noise.band(take, 1_500, 5_500) * envelopes.hump(take, 0.5) * noise.wander(take, 30, 0.2, 1)
    )
    flap = noise.band(take, 250, 1_000) * envelopes.hump(take, 0.8, 6)
    return sweep + 0.8 * flap


KINDS = (
    SoundKind(
        "clock tick",
        "household",
        clock,
        nouns=("a clock tick", "a ticking clock", "clock ticks"),
        actions=("a clock | ticks | ticking", "a watch | ticks away | ticking away"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "door knock",
        "household",
        knock,
        nouns=("a door knock", "a knock on the door", "knocking"),
        actions=(
            "someone | knocks on a door | knocking on a door",
            "someone | raps on wood | rapping on wood",
        ),
        obeys=("speed", "pitch"),
        span_s=(0.7, 1.5),
    ),
    SoundKind(
        "door creak",
        "household",
        creak,
        nouns=("a door creak", "a creaking door", "a squeaky hinge"),
        actions=("a door | creaks | creaking", "a hinge | squeaks | squeaking"),
        obeys=("pitch", "length"),
        span_s=(0.9, 2.0),
    ),
    SoundKind(
        "vacuum cleaner",
        "household",
        vacuum,
        nouns=("a vacuum cleaner", "a hoover"),
        actions=("a vacuum cleaner | runs | running", "someone | vacuums | vacuuming"),
        obeys=("pitch", "length"),
        span_s=(1.6, 3.5),
    ),
    SoundKind(
        "typing",
        "household",
        typing,
        nouns=("keyboard typing", "keystrokes", "a keyboard"),
        actions=(
            "someone | types on a keyboard | typing on a keyboard",
            "keys | clatter | clattering",
        ),
        obeys=("speed", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "camera shutter",
        "household",
        camera,
        nouns=("a camera shutter", "a camera click"),
        actions=(
            "a camera | clicks | clicking",
            "a photographer | takes a picture | taking a picture",
        ),
        obeys=("speed",),
        span_s=(0.4, 1.2),
    ),
    SoundKind(
        "microwave beep",
        "household",
        microwave,
        nouns=("microwave beeps", "an oven timer"),
        actions=(
            "a microwave | beeps | beeping",
            "a microwave oven | signals the end | signalling the end",
        ),
        obeys=("speed", "length"),
        span_s=(1.6, 3.2),
    ),
    SoundKind(
        "kettle whistle",
        "household",
        kettle,
        nouns=("a kettle whistle", "a whistling kettle", "a teakettle"),
        actions=("a kettle | whistles | whistling", "a kettle | boils | boiling"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.0),
    ),
    SoundKind(
        "zipper",
        "household",
        zipper,
        nouns=("a zipper", "the zip of a jacket"),
        actions=(
            "a zipper | is pulled up | being pulled up",
            "someone | closes a zip | closing a zip",
        ),
        obeys=("length",),
        span_s=(0.5, 1.2),
    ),
    SoundKind(
        "glass clink",
        "household",
        clink,
        nouns=("a clink of glasses", "a glass clink"),
        actions=("glasses | clink | clinking", "two glasses | touch | touching"),
        obeys=("pitch",),
        span_s=(0.8, 1.2),
        one_shot=True,
    ),
    SoundKind(
        "breaking glass",
        "household",
        shatter,
        nouns=("breaking glass", "a crash of glass"),
        actions=("glass | shatters | shattering", "a window | breaks | breaking"),
        span_s=(0.9, 1.5),
        one_shot=True,
    ),
    SoundKind(
        "washing machine",
        "household",
        washing,
        nouns=("a washing machine", "a laundry machine"),
        actions=("a washing machine | turns | turning", "a washing machine | churns | churning"),
        obeys=("speed", "length"),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "can opening",
        "household",
        can,
        nouns=("the opening of a can", "the pop and fizz of a can"),
        actions=("a can | is opened | being opened", "someone | opens a soda | opening a soda"),
        span_s=(0.6, 0.9),
        one_shot=True,
    ),
    SoundKind(
        "mouse click",
        "household",
        mouse,
        nouns=("mouse clicks", "the click of a mouse"),
        actions=(
            "someone | clicks a mouse | clicking a mouse",
            "a computer mouse | clicks | clicking",
        ),
        obeys=("speed", "length"),
        span_s=(0.8, 2.0),
    ),
    SoundKind(
        "coin drop",
        "household",
        coin,
        nouns=("a coin drop", "a falling coin"),
        actions=("a coin | drops on a table | dropping on a table", "a coin | bounces | bouncing"),
        span_s=(1.1, 1.5),
        one_shot=True,
    ),
    SoundKind(
        "blender",
        "household",
        blender,
        nouns=("a blender", "a kitchen mixer"),
        actions=("a blender | whirs | whirring", "a blender | grinds | grinding"),
        obeys=("length",),
        span_s=(1.4, 3.0),
    ),
    SoundKind(
        "page turn",
        "household",
        page,
        nouns=("a page turn", "a turning page"),
        actions=("someone | turns a page | turning a page", "a page | is turned | being turned"),
        obeys=("length",),
        span_s=(0.5, 0.9),
    ),
)
