"""Impacts: drums, blocks, bangs."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, instruments, noise, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat
from earshot.synth.take import Take


def drum(take: Take) -> np.ndarray:
    """A deep drum beaten in time."""
    return repeat(take, 2.4, 0.36, instruments.kick, jitter=0.02)


def snare(take: Take) -> np.ndarray:
    """A snare drum, its wires rattling."""
    return repeat(take, 3.8, 0.22, instruments.snare, jitter=0.02)


def cymbal(take: Take) -> np.ndarray:
    """A crash that shimmers away."""
    hz = take.pitch * take.rng.uniform(2_200, 7_400, 24)
    shimmer = resonators.modes(take, hz, take.rng.uniform(0.3, 0.9, 24))
    wash = noise.high_pass(noise.white(take), take.sample_rate, 3_200 * take.pitch)
    return 0.12 * shimmer + wash * envelopes.decay(take, 0.5)


def hi_hat(take: Take) -> np.ndarray:
    """A closed hi-hat ticking."""
    return repeat(take, 5.5, 0.07, instruments.hat, jitter=0.02)


def wood_block(take: Take) -> np.ndarray:
    """A hollow block tapped."""

    def tap(part: Take) -> np.ndarray:
        return resonators.modes(
            part, part.pitch * np.array([1_050, 1_480]), (0.028, 0.02), (1, 0.6)
        )

    return repeat(take, 3.0, 0.14, tap, jitter=0.03)


def explosion(take: Take) -> np.ndarray:
    """A blast: a dull shock, then falling debris."""
    blast = noise.sloped(take, -4) * envelopes.decay(take, 0.35, 0.004)
    curve = 75 * np.exp(-take.seconds() / 0.3) + 28
    boom = np.sin(2 * np.pi * np.cumsum(curve * take.pitch) / take.sample_rate)
    debris = noise.band_pass(noise.dust(take, 120, 2), take.sample_rate, 400, 3_000)
    falling = debris / (np.max(np.abs(debris)) + 1e-9) * envelopes.hump(take, 0.3)
    return blast + 1.5 * boom * envelopes.decay(take, 0.3, 0.005) + 0.3 * falling


def gunshot(take: Take) -> np.ndarray:
    """A crack with a short echo."""
    part = take.part(0.25)
    crack = noise.white(part) * envelopes.decay(part, 0.018, 0.0005)
    echo = noise.low_pass(noise.white(part), take.sample_rate, 1_400) * envelopes.decay(part, 0.07)
    return envelopes.place(take, (0.0, 0.004, 0.11), (crack, 0.5 * echo, 0.22 * echo))


def ball(take: Take) -> np.ndarray:
    """A ball bouncing lower and lower."""
    steps = 0.5 / take.speed * 0.82 ** np.arange(14)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    times = times[times < take.duration_s - 0.05]
    gains = 0.86 ** np.arange(len(times))
    thump = resonators.drops(take, times, 118 * take.pitch, 0.028, gains, rise=-0.15)
    return thump + resonators.drops(take, times, 640 * take.pitch, 0.014, 0.45 * gains)


def fireworks(take: Take) -> np.ndarray:
    """A whistle going up, a thud, a crackle."""
    up, after = take.part(0.42 * take.duration_s), take.part(0.55 * take.duration_s)
    phase = np.cumsum(envelopes.contour(up, (1_300, 2_300, 2_900))) / take.sample_rate
    whistle = np.sin(2 * np.pi * phase) * envelopes.contour(up, (0.1, 0.35, 0.3, 0.0))
    bang = noise.sloped(after, -4) * envelopes.decay(after, 0.08)
    crackle = noise.high_pass(noise.dust(after, 160, 1.5), take.sample_rate, 1_200)
    crackle = crackle / (np.max(np.abs(crackle)) + 1e-9) * envelopes.hump(after, 0.4)
    return envelopes.place(take, (0, 0.43 * take.duration_s), (0.5 * whistle, bang + 0.8 * crackle))


def maraca(take: Take) -> np.ndarray:
    """Seeds thrown about in a gourd."""

    def shake(part: Take) -> np.ndarray:
        seeds = noise.dust(part, 1_500) * envelopes.hump(part, 0.6, 2)
        return noise.band_pass(seeds, part.sample_rate, 3_200, 6_800)

    return repeat(take, 5.2, 0.11, shake, jitter=0.02)


def stone(take: Take) -> np.ndarray:
    """Chisel on stone: dry, bright, quickly gone."""

    def chip(part: Take) -> np.ndarray:
        hz = part.pitch * np.array([2_700, 3_900, 5_900])
        dry = noise.band(part, 1_000, 4_000) * envelopes.decay(part, 0.01)
        return 0.8 * resonators.modes(part, hz, 0.022, (1, 0.7, 0.5)) + 0.5 * dry

    return repeat(take, 3.1, 0.12, chip)


KINDS = (
    SoundKind(
        "drum",
        "impacts",
        drum,
        nouns=("a drum", "drum beats", "a bass drum"),
        actions=("a drum | beats | beating", "someone | plays a drum | playing a drum"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.0, 2.6),
    ),
    SoundKind(
        "snare drum",
        "impacts",
        snare,
        nouns=("a snare drum", "a snare drum beat"),
        actions=("a snare drum | rattles | rattling", "a drummer | hits a snare | hitting a snare"),
        obeys=("speed", "length"),
        span_s=(1.0, 2.4),
    ),
    SoundKind(
        "cymbal",
        "impacts",
        cymbal,
        nouns=("a cymbal crash", "a crash cymbal"),
        actions=("a cymbal | crashes | crashing", "a cymbal | shimmers | shimmering"),
        span_s=(1.2, 2.2),
        one_shot=True,
    ),
    SoundKind(
        "hi-hat",
        "impacts",
        hi_hat,
        nouns=("a hi-hat", "hi-hat ticks"),
        actions=("a hi-hat | ticks | ticking", "a drummer | plays the hi-hat | playing the hi-hat"),
        obeys=("speed", "length"),
        span_s=(1.0, 2.4),
    ),
    SoundKind(
        "wood block",
        "impacts",
        wood_block,
        nouns=("a wood block", "taps on a wood block"),
        actions=(
            "a wood block | is tapped | being tapped",
            "someone | taps a wood block | tapping a wood block",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.0, 2.4),
    ),
    SoundKind(
        "explosion",
        "impacts",
        explosion,
        nouns=("an explosion", "a blast"),
        actions=("something | explodes | exploding", "a bomb | goes off | going off"),
        obeys=("pitch",),
        span_s=(1.2, 2.0),
        one_shot=True,
    ),
    SoundKind(
        "gunshot",
        "impacts",
        gunshot,
        nouns=("a gunshot", "a shot"),
        actions=("a gun | fires | firing", "someone | fires a shot | firing a shot"),
        span_s=(0.4, 0.6),
        one_shot=True,
    ),
    SoundKind(
        "bouncing ball",
        "impacts",
        ball,
        nouns=("a bouncing ball", "a ball bounce"),
        actions=("a ball | bounces | bouncing", "a basketball | bounces | bouncing"),
        obeys=("pitch",),
        span_s=(1.4, 2.4),
    ),
    SoundKind(
        "fireworks",
        "impacts",
        fireworks,
        nouns=("fireworks", "a firework"),
        actions=(
            "fireworks | burst | bursting",
            "a rocket | whistles up and bursts | whistling up and bursting",
        ),
        obeys=("length",),
        span_s=(1.5, 2.4),
    ),
    SoundKind(
        "maracas",
        "impacts",
        maraca,
        nouns=("maracas", "a shaker"),
        actions=("maracas | shake | shaking", "someone | shakes maracas | shaking maracas"),
        obeys=("speed", "length"),
        span_s=(1.0, 2.4),
    ),
    SoundKind(
        "chisel on stone",
        "impacts",
        stone,
        nouns=("a chisel on stone", "stone chipping"),
        actions=(
            "a chisel | chips stone | chipping stone",
            "a mason | chisels a stone | chiselling a stone",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.0, 2.4),
    ),
)
