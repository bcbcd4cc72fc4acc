"""Alarms and signals: electronic tones in set patterns, and bells rung by motors."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, noise, oscillators, resonators
from earshot.synth.kind import SoundKind
from earshot.synth.sounds.animals import repeat
from earshot.synth.take import Take


def smoke_alarm(take: Take) -> np.ndarray:
    """Three piercing beeps near 3.1 kHz and a gap."""

    def triple(part: Take) -> np.ndarray:
        on = np.mod(part.seconds() / part.duration_s * 3, 1.0) < 0.55
        tone = oscillators.stack(part, 3_130, (1.0, 0.25))
        return tone * np.convolve(on, np.ones(33) / 33, "same")

    return repeat(take, 0.9, 0.85, triple, jitter=0.0)


def alarm_clock(take: Take) -> np.ndarray:
    """Four quick beeps, again and again."""

    def four(part: Take) -> np.ndarray:
        on = np.mod(part.seconds() / part.duration_s * 4, 1.0) < 0.5
        return oscillators.square(part, 2_050 * part.pitch, 2) * np.convolve(
            on, np.ones(25) / 25, "same"
        )

    return repeat(take, 1.35, 0.44, four, jitter=0.0)


def telephone(take: Take) -> np.ndarray:
    """Two small gongs struck twenty times a second."""

    def ring(part: Take) -> np.ndarray:
        times = np.arange(0.0, part.duration_s - 0.06, 1 / 21.0)
        total = np.zeros(part.n_samples)
        for hz, gain in (
            (1_290.0, 1.0),
            (1_560.0, 1.0),
            (3_420.0, 0.5),
            (4_100.0, 0.4),
            (6_100.0, 0.2),
        ):
            total += resonators.drops(part, times, part.pitch * hz, 0.09, gain)
        return total * envelopes.swell(part, 0.002, 0.06)

    return repeat(take, 0.8, 0.85, ring, jitter=0.0)


def mobile_phone(take: Take) -> np.ndarray:
    """A small melody of plain tones."""
    n_notes = max(4, round(take.duration_s * 7.5 * take.speed))
    tune = np.tile(take.rng.choice([0, 2, 4, 7, 9, 12], 4), -(-n_notes // 4))[:n_notes]
    hz = (
        take.pitch
        * 880
        * 2 ** (np.repeat(tune, -(-take.n_samples // n_notes))[: take.n_samples] / 12)
    )
    gate = np.abs(np.sin(np.pi * take.seconds() / take.duration_s * n_notes)) ** 0.25
    return oscillators.stack(take, hz, (1.0, 0.0, 0.4, 0.0, 0.15)) * gate


def busy_tone(take: Take) -> np.ndarray:
    """480 and 620 Hz, half a second on, half off."""

    def tone(part: Take) -> np.ndarray:
        both = oscillators.sine(part, 480) + oscillators.sine(part, 620)
        return both * envelopes.swell(part, 0.005, 0.005)

    return repeat(take, 1.9, 0.27, tone, jitter=0.0)


def fire_horn(take: Take) -> np.ndarray:
    """A building's horn: a harsh low blare, on and off."""

    def blare(part: Take) -> np.ndarray:
        source = oscillators.saw(part, 495 * part.pitch) * (1 + 0.5 * oscillators.sine(part, 100))
        return noise.high_pass(source, part.sample_rate, 800) * envelopes.swell(part, 0.01, 0.02)

    return repeat(take, 1.15, 0.62, blare, jitter=0.0)


def air_raid(take: Take) -> np.ndarray:
    """A rotor siren winding slowly up and down."""
    swing = envelopes.hump(take, 0.55, 0.8)
    hz = take.pitch * (190 + 270 * swing)
    return oscillators.stack(take, hz, (1, 0.6, 0.45, 0.3, 0.2, 0.15, 0.1)) * (0.25 + 0.75 * swing)


def sonar(take: Take) -> np.ndarray:
    """A ping with a long ring."""

    def ping(part: Take) -> np.ndarray:
        tone = oscillators.sine(part, 1_480 * part.pitch)
        return tone * envelopes.decay(part, 0.28, 0.008)

    return repeat(take, 0.75, 1.25, ping, jitter=0.0)


KINDS = (
    SoundKind(
        "smoke alarm",
        "alarms",
        smoke_alarm,
        nouns=("a smoke alarm", "a smoke detector"),
        actions=("a smoke alarm | goes off | going off", "a smoke detector | beeps | beeping"),
        obeys=("speed", "length"),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "alarm clock",
        "alarms",
        alarm_clock,
        nouns=("an alarm clock", "a digital alarm"),
        actions=("an alarm clock | goes off | going off", "an alarm clock | beeps | beeping"),
        obeys=("speed", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "telephone ring",
        "alarms",
        telephone,
        nouns=("a telephone ring", "a ringing telephone"),
        actions=("a telephone | rings | ringing", "an old phone | rings | ringing"),
        obeys=("length",),
        span_s=(1.0, 2.6),
    ),
    SoundKind(
        "ringtone",
        "alarms",
        mobile_phone,
        nouns=("a ringtone", "a mobile phone melody"),
        actions=(
            "a mobile phone | plays its ringtone | playing its ringtone",
            "a cell phone | rings | ringing",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 2.6),
    ),
    SoundKind(
        "busy tone",
        "alarms",
        busy_tone,
        nouns=("a busy tone", "an engaged tone"),
        actions=(
            "a phone line | gives a busy tone | giving a busy tone",
            "a telephone line | sounds busy | sounding busy",
        ),
        obeys=("speed", "length"),
        span_s=(1.4, 3.0),
    ),
    SoundKind(
        "fire alarm",
        "alarms",
        fire_horn,
        nouns=("a fire alarm", "a fire alarm horn"),
        actions=("a fire alarm | blares | blaring", "a fire alarm | sounds | sounding"),
        obeys=("speed", "length"),
        span_s=(1.2, 2.8),
    ),
    SoundKind(
        "air raid siren",
        "alarms",
        air_raid,
        nouns=("an air raid siren", "a civil defence siren"),
        actions=(
            "an air raid siren | winds up | winding up",
            "a civil defence siren | sounds | sounding",
        ),
        obeys=("pitch", "length"),
        span_s=(2.0, 3.8),
    ),
    SoundKind(
        "sonar ping",
        "alarms",
        sonar,
        nouns=("a sonar ping", "sonar pings"),
        actions=("a sonar | pings | pinging", "a submarine | sends out pings | sending out pings"),
        obeys=("speed", "pitch", "length"),
        span_s=(1.3, 2.8),
    ),
)
