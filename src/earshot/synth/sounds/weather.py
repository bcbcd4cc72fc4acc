"""Weather and fire: filtered noise that wanders, and grains of it."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take


def rain(take: Take) -> np.ndarray:
    """A steady hiss with drops in it."""
    hiss = noise.band(take, 1_200 * take.pitch, 7_000) * noise.wander(take, 0.5, 0.8, 1.1)
    fine = noise.band_pass(noise.dust(take, 400), take.sample_rate, 2_000 * take.pitch, 6_000)
    near = noise.band_pass(noise.dust(take, 25), take.sample_rate, 900 * take.pitch, 2_200)
    return hiss + 2.5 * fine / (np.std(fine) + 1e-9) * 0.4 + 0.3 * near / (np.std(near) + 1e-9)


def thunder(take: Take) -> np.ndarray:
    """A crack, then a rumble that rolls away in waves."""
    deep = noise.sloped(take, -4)
    rumble = noise.band_pass(deep, take.sample_rate, 35, 320 * take.pitch)
    rolls = noise.wander(take, 3, 0.15, 1.0) ** 2
    fading = np.exp(-take.seconds() / (0.45 * take.duration_s))
    body = rumble / np.std(rumble) * rolls * fading * envelopes.swell(take, 0.05, 0.3)
    crack = noise.low_pass(noise.white(take), take.sample_rate, 1_200 * take.pitch)
    return body + 0.9 * crack * envelopes.decay(take, 0.1)


def wind(take: Take) -> np.ndarray:
    """Bands of noise that rise and fall by themselves: howling gusts."""
    base = noise.white(take)
    gusts = noise.wander(take, 0.7, 0.15, 1.0)
    total = 0.4 * noise.low_pass(base, take.sample_rate, 300 * take.pitch)
    for centre in (380.0, 620.0, 900.0):
        ring = resonators.resonance(take, base, centre * take.pitch, 60 * take.pitch)
        total += 3.0 * ring * noise.wander(take, 0.9, 0.0, 1.0) ** 2
    return total * gusts


def hail(take: Take) -> np.ndarray:
    """Hard grains on a roof."""
    times = envelopes.scatter(take, 70)
    count = len(times)
    hz = take.pitch * take.rng.uniform(1_800, 4_600, count)
    gains = take.rng.exponential(1.0, count)
    clicks = resonators.drops(take, times, hz, 0.006, gains)
    dull = resonators.drops(take, times, 0.25 * hz, 0.012, 0.6 * gains)
    return clicks + dull + 0.03 * noise.band(take, 500, 3_000)


def leaves(take: Take) -> np.ndarray:
    """Dry rustling: bright noise in quick irregular strokes."""
    strokes = noise.wander(take, 9 * take.speed, 0.0, 1.0) ** 3
    crisp = noise.band_pass(noise.dust(take, 1_800, 2.0), take.sample_rate, 3_000, 7_500)
    return strokes * (crisp / np.std(crisp) + 0.15 * noise.band(take, 2_500, 7_500))


def fire(take: Take) -> np.ndarray:
    """Crackles of all sizes over a low flutter."""
    flutter = noise.low_pass(noise.white(take), take.sample_rate, 350)
    flutter = flutter / np.std(flutter) * noise.wander(take, 6, 0.3, 1.0)
    times = envelopes.scatter(take, 22)
    hz = take.rng.uniform(900, 5_000, len(times))
    gains = take.rng.exponential(1.0, len(times)) ** 1.4
    pops = resonators.drops(take, times, hz, take.rng.uniform(0.001, 0.006, len(times)), gains)
    snaps = noise.band_pass(noise.dust(take, 90 * take.speed, 2.0), take.sample_rate, 1_500, 6_500)
    return 0.12 * flutter + 0.6 * pops + 0.25 * snaps / (np.max(np.abs(snaps)) + 1e-9)


def match(take: Take) -> np.ndarray:
    """A scrape that flares up and dies to a small flame."""
    scrape = noise.band(take, 2_500, 7_000) * envelopes.hump(take, 0.15, 1.5)
    flare = noise.band(take, 500, 3_500) * envelopes.hump(take, 0.35, 2.0)
    after = noise.band(take, 300, 1_500) * np.minimum(take.seconds() / 0.3, 1.0)
    return scrape + 1.2 * flare + 0.1 * after * envelopes.swell(take, 0.1, 0.3)


KINDS = (
    SoundKind(
        "rain",
        "weather",
        rain,
        nouns=("rain", "rainfall", "a rain shower"),
        actions=("rain | falls | falling", "rain | pours down | pouring down"),
        obeys=("pitch", "length"),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "thunder",
        "weather",
        thunder,
        nouns=("thunder", "a clap of thunder", "a roll of thunder"),
        actions=("thunder | rumbles | rumbling", "thunder | rolls | rolling"),
        obeys=("pitch", "length"),
        span_s=(1.8, 3.5),
    ),
    SoundKind(
        "wind",
        "weather",
        wind,
        nouns=("wind", "a gusty wind", "a howling wind"),
        actions=("the wind | blows | blowing", "the wind | howls | howling"),
        obeys=("pitch", "length"),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "hail",
        "weather",
        hail,
        nouns=("hail", "a hailstorm", "hail on a roof"),
        actions=("hail | rattles down | rattling down", "hailstones | fall | falling"),
        obeys=("pitch", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "rustling leaves",
        "weather",
        leaves,
        nouns=("rustling leaves", "a rustle of leaves"),
        actions=("leaves | rustle | rustling", "dry leaves | crunch | crunching"),
        obeys=("speed", "length"),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "crackling fire",
        "fire",
        fire,
        nouns=("a crackling fire", "a campfire", "the crackle of fire"),
        actions=("a fire | crackles | crackling", "wood | burns | burning"),
        obeys=("length",),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "match strike",
        "fire",
        match,
        nouns=("a match strike", "the strike of a match"),
        actions=("a match | is struck | being struck", "a match | flares up | flaring up"),
        obeys=("length",),
        span_s=(0.8, 1.4),
    ),
)
