"""A voice of our own: a buzz and noise through formants that glide from sound to sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.synth import noise, oscillators, resonators
from earshot.synth.letters import PAUSE, phonemes_of
from earshot.synth.take import Take


@dataclass(frozen=True)
class Sound:
    """One speech sound: how long, how voiced and how noisy, and where its energy lies."""

    duration_s: float
    voiced: float  # gain of the buzzing source through `formants_hz`
    noisy: float  # gain of the noise between `noise_hz`
    formants_hz: tuple[float, ...] = ()
    noise_hz: tuple[float, float] = (1_000.0, 4_000.0)
    burst: bool = False  # silence, then a short burst: p, t, k


def _vowel(name: str, duration_s: float = 0.11) -> Sound:
    return Sound(duration_s, 1.0, 0.0, resonators.VOWELS[name][0])


INVENTORY = {
    **{name: _vowel(name) for name in "aeiou"},
    "m": Sound(0.08, 0.4, 0.0, (260.0, 1_000.0, 2_200.0)),
    "n": Sound(0.07, 0.4, 0.0, (260.0, 1_450.0, 2_400.0)),
    "N": Sound(0.08, 0.4, 0.0, (260.0, 1_900.0, 2_500.0)),
    "l": Sound(0.07, 0.6, 0.0, (360.0, 1_100.0, 2_600.0)),
    "r": Sound(0.07, 0.6, 0.0, (420.0, 1_250.0, 1_650.0)),
    "w": Sound(0.07, 0.6, 0.0, (300.0, 650.0, 2_200.0)),
    "s": Sound(0.10, 0.0, 0.30, noise_hz=(4_200.0, 7_600.0)),
    "S": Sound(0.10, 0.0, 0.35, noise_hz=(2_000.0, 5_000.0)),
    "f": Sound(0.09, 0.0, 0.12, noise_hz=(1_500.0, 7_000.0)),
    "T": Sound(0.08, 0.0, 0.10, noise_hz=(1_400.0, 6_500.0)),
    "h": Sound(0.06, 0.0, 0.14, noise_hz=(500.0, 2_500.0)),
    "v": Sound(0.07, 0.35, 0.06, (300.0, 1_200.0, 2_400.0), (1_500.0, 6_000.0)),
    "z": Sound(0.08, 0.30, 0.18, (300.0, 1_500.0, 2_500.0), (4_000.0, 7_500.0)),
    "Z": Sound(0.08, 0.30, 0.22, (300.0, 1_700.0, 2_500.0), (2_000.0, 5_000.0)),
    "p": Sound(0.09, 0.0, 0.35, noise_hz=(400.0, 1_500.0), burst=True),
    "t": Sound(0.09, 0.0, 0.40, noise_hz=(3_000.0, 6_500.0), burst=True),
    "k": Sound(0.09, 0.0, 0.40, noise_hz=(1_400.0, 3_200.0), burst=True),
    "b": Sound(0.08, 0.18, 0.22, (220.0, 800.0, 2_200.0), (300.0, 1_300.0), burst=True),
    "d": Sound(0.08, 0.18, 0.25, (220.0, 1_700.0, 2_500.0), (2_500.0, 5_500.0), burst=True),
    "g": Sound(0.08, 0.18, 0.25, (220.0, 1_900.0, 2_300.0), (1_200.0, 2_800.0), burst=True),
    PAUSE: Sound(0.05, 0.0, 0.0),
}
GLIDE_S = 0.025  # time in which one sound passes into the next
HISS = 0.6  # level of all noise beside the voice


@dataclass(frozen=True)
class Speaker:
    """Who speaks: the pitch of the voice and the size of the throat."""

    pitch_hz: float
    size: float  # factor on formants: above 1 is a smaller head
    breath: float


SPEAKERS = {
    "m1": Speaker(112, 1.00, 0.03), "m2": Speaker(96, 0.94, 0.02), "m3": Speaker(128, 1.04, 0.08),
    "m4": Speaker(104, 0.90, 0.12), "f1": Speaker(205, 1.16, 0.05), "f2": Speaker(228, 1.20, 0.10),
    "f3": Speaker(188, 1.12, 0.03), "f4": Speaker(248, 1.26, 0.07),
}  # fmt: skip


def say(
    text: str, language: str, voice: str, pitch: float, speed: float, sample_rate: int, seed: int
) -> np.ndarray:
    """`text` as a waveform [samples], not yet levelled; every language has an accent of its own.

    Raises EarShotError for text without a letter or digit.
    """
    symbols = phonemes_of(text)
    if not symbols:
        raise EarShotError(
            got=f"text {text[:40]!r}", expected="letters or digits to say", mend="Give it words."
        )
    rng = generator(seed, "speech", text, voice)
    accent = generator("accent", language)
    stretch = accent.uniform(0.8, 1.25, len(INVENTORY))  # the language's own rhythm
    shift = accent.uniform(0.93, 1.07, 3)  # and colour
    slot = {name: place for place, name in enumerate(INVENTORY)}
    lengths = np.array(
        [
            INVENTORY[s].duration_s * stretch[slot[s]] * rng.uniform(0.9, 1.1) / speed
            for s in symbols
        ]
    )
    ends = np.cumsum(lengths)
    take = Take(rng, sample_rate, round((ends[-1] + 0.06) * sample_rate))
    speaker = SPEAKERS[voice]
    curve = speaker.pitch_hz * pitch * _melody(take, float(ends[-1]))
    buzz = oscillators.saw(take, curve) + speaker.breath * noise.white(take)
    hiss = noise.white(take)
    weights = _weights(take, symbols, ends - lengths, ends)
    total = np.zeros(take.n_samples)
    for name, weight in weights.items():
        sound = INVENTORY[name]
        if sound.voiced:
            centres = [speaker.size * f * s for f, s in zip(sound.formants_hz, shift, strict=True)]
            voiced = resonators.formants(take, buzz, centres, (1.0, 0.55, 0.3))
            total += sound.voiced * weight[0] * voiced
        if sound.noisy:
            total += (
                HISS * sound.noisy * weight[1] * noise.band_pass(hiss, sample_rate, *sound.noise_hz)
            )
    return total


def _melody(take: Take, end_s: float) -> np.ndarray:
    """The pitch of a statement: it drifts down and falls at the end."""
    place = np.clip(take.seconds() / end_s, 0, 1)
    return (1.12 - 0.2 * place - 0.1 * np.clip(place - 0.85, 0, 1) / 0.15) * noise.wander(
        take, 2.5, 0.94, 1.06
    )


def _weights(
    take: Take, symbols: list[str], starts: np.ndarray, ends: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """When each sound in use is voiced, and when noisy: curves in 0..1, [n_samples]."""
    seconds = take.seconds()
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for symbol, start, end in zip(symbols, starts, ends, strict=True):
        if symbol == PAUSE:
            continue
        voiced, noisy = curves.setdefault(
            symbol, (np.zeros(take.n_samples), np.zeros(take.n_samples))
        )
        first = max(0, int((start - GLIDE_S) * take.sample_rate))
        last = min(take.n_samples, int((end + GLIDE_S) * take.sample_rate) + 1)
        here = seconds[first:last]
        rise = np.clip((here - start) / GLIDE_S + 0.5, 0, 1)
        fall = np.clip((end - here) / GLIDE_S + 0.5, 0, 1)
        voiced[first:last] += rise * fall
        if INVENTORY[symbol].burst:
            release = start + 0.65 * (end - start)
            after = here - release
            noisy[first:last] += np.where(after > 0, np.exp(-np.maximum(after, 0) / 0.012), 0.0)
        else:
            noisy[first:last] += rise * fall
    return curves
