"""Water: clouds of bubbles, each a short sine that climbs, and the hiss between them."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take


def stream(take: Take) -> np.ndarray:
    """Many small bubbles and a soft hiss."""
    times = envelopes.scatter(take, 130)
    hz = take.pitch * np.exp(take.rng.uniform(np.log(450), np.log(2_200), len(times)))
    gains = take.rng.exponential(1.0, len(times))
    body = resonators.drops(take, times, hz, 9.0 / hz, gains, rise=0.12)
    return body + 0.18 * noise.band(take, 800, 3_500)


def dripping(take: Take) -> np.ndarray:
    """Single drops, each with its plop."""
    times = envelopes.beats(take, 2.2, jitter=0.12, room_s=0.15)
    hz = take.pitch * take.rng.uniform(900, 1_500, len(times))
    plop = resonators.drops(take, times, hz, 0.022, 1.0, rise=0.5)
    tick = resonators.drops(take, times, 3.2 * hz, 0.003, 0.5)
    return plop + tick


def bubbles(take: Take) -> np.ndarray:
    """Slow large bubbles, low and climbing."""
    times = envelopes.scatter(take, 11, room_s=0.1)
    hz = take.pitch * take.rng.uniform(160, 420, len(times))
    return resonators.drops(take, times, hz, 0.035, take.rng.uniform(0.4, 1, len(times)), rise=0.9)


def pouring(take: Take) -> np.ndarray:
    """A glass that fills: bubbles and a resonance that climb to the end."""
    times = envelopes.scatter(take, 90)
    filled = times / take.duration_s
    hz = take.pitch * (500 + 900 * filled) * take.rng.uniform(0.8, 1.25, len(times))
    body = resonators.drops(take, times, hz, 0.012, take.rng.exponential(1, len(times)), rise=0.2)
    hiss = noise.band(take, 1_500, 4_500) * envelopes.swell(take, 0.1, 0.1)
    return body + 0.12 * hiss


def waves(take: Take) -> np.ndarray:
    """Surf: noise that swells, brightens as it breaks, and draws back."""
    rate = 0.6 * take.speed
    place = np.mod(take.seconds() * rate + take.uniform(0.0, 0.25), 1.0)
    rise = np.where(place < 0.4, place / 0.4, (1 - place) / 0.6)
    base = noise.sloped(take, -3)
    low = noise.low_pass(base, take.sample_rate, 500)
    bright = noise.high_pass(base, take.sample_rate, 900)
    return low * (0.15 + 0.85 * rise) + 2.2 * bright * np.maximum(rise, 0.1) ** 1.8


def splash(take: Take) -> np.ndarray:
    """Something falls in: a slap, a burst of spray, bubbles after it."""
    slap = noise.band(take, 200, 900) * envelopes.decay(take, 0.05)
    spray = noise.band(take, 1_000, 5_000) * envelopes.decay(take, 0.18, 0.02)
    times = 0.05 + take.rng.exponential(0.15, 22)
    hz = take.pitch * take.rng.uniform(300, 1_000, 22)
    after = resonators.drops(take, np.minimum(times, take.duration_s - 0.01), hz, 0.02, 0.5, 0.4)
    return slap + 0.8 * spray + after


def tap(take: Take) -> np.ndarray:
    """A tap running into a sink: bright steady hiss with a metal ring."""
    base = noise.white(take)
    jet = noise.band_pass(base, take.sample_rate, 2_200, 6_500)
    sink = resonators.formants(take, base, [640, 1_270, 1_900], [1.0, 0.7, 0.5], width=0.03)
    return jet / np.std(jet) + 0.9 * sink / np.std(sink) + 0.1 * noise.wander(take, 8, -1, 1)


def flush(take: Take) -> np.ndarray:
    """A rush of water that swells and gurgles away."""
    rush = noise.band(take, 250, 2_600) * envelopes.hump(take, 0.25)
    times = take.duration_s * take.rng.uniform(0.45, 0.97, 40)
    hz = take.rng.uniform(180, 500, 40)
    gurgle = resonators.drops(take, np.sort(times), hz, 0.03, 0.6, rise=-0.4)
    return rush + gurgle


KINDS = (
    SoundKind(
        "stream",
        "water",
        stream,
        nouns=("a stream", "a babbling brook", "running water"),
        actions=("a stream | flows | flowing", "a brook | babbles | babbling"),
        obeys=("pitch", "length"),
        span_s=(2.0, 4.0),
    ),
    SoundKind(
        "dripping water",
        "water",
        dripping,
        nouns=("dripping water", "water drops"),
        actions=("water | drips | dripping", "water drops | fall | falling"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "bubbles",
        "water",
        bubbles,
        nouns=("bubbles", "bubbling water"),
        actions=("water | bubbles | bubbling", "bubbles | rise | rising"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "pouring water",
        "water",
        pouring,
        nouns=("pouring water", "water poured into a glass"),
        actions=(
            "water | pours into a glass | pouring into a glass",
            "a glass | fills with water | filling with water",
        ),
        obeys=("pitch", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "sea waves",
        "water",
        waves,
        nouns=("sea waves", "ocean surf", "waves on a beach"),
        actions=(
            "waves | break on the shore | breaking on the shore",
            "the sea | washes ashore | washing ashore",
        ),
        obeys=("speed", "length"),
        span_s=(2.5, 5.0),
    ),
    SoundKind(
        "splash",
        "water",
        splash,
        nouns=("a splash", "a splash of water"),
        actions=(
            "something | falls into water | falling into water",
            "water | splashes | splashing",
        ),
        obeys=("pitch",),
        span_s=(0.7, 1.1),
        one_shot=True,
    ),
    SoundKind(
        "water tap",
        "water",
        tap,
        nouns=("a water tap", "a running faucet"),
        actions=("a tap | runs | running", "a faucet | runs | running"),
        obeys=("length",),
        span_s=(1.5, 3.5),
    ),
    SoundKind(
        "toilet flush",
        "water",
        flush,
        nouns=("a toilet flush", "a flushing toilet"),
        actions=("a toilet | flushes | flushing", "a toilet | is flushed | being flushed"),
        obeys=("length",),
        span_s=(1.8, 3.5),
    ),
)
