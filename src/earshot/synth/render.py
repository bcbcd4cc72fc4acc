"""One sound, by name, with the attributes asked for, at a known level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.synth.kind import AXES, AXIS_OF, SoundKind
from earshot.synth.rooms import colour, move
from earshot.synth.sounds import SOUNDS
from earshot.synth.take import Take

LEVEL_DB = {"loud": 6.5, "soft": -13.5}  # against a sound of neither kind
RMS = 0.1  # of the sounding part, -20 dBFS, unless the peak comes first
PEAK = 0.4
CREST = 5.0  # peaks above this many times the RMS are rounded off
FACTOR = {"high": (1.7, 2.0), "low": (0.5, 0.6), "fast": (1.9, 2.3), "slow": (0.42, 0.52)}
PLAIN = (0.86, 1.16)
LENGTH = {"short": 0.4, "long": 1.7}  # of the natural length
SHORT_SHARE = 0.4  # of a length that is given
RATES = (8_000, 48_000)


def render_sound(
    kind: str,
    *,
    attributes: Mapping[str, str] | None = None,
    duration_s: float | None = None,
    sample_rate: int = 16_000,
    seed: int = 0,
) -> np.ndarray:
    """A sound as a waveform [samples], float32 in [-1, 1], the same for the same arguments.

    `attributes` are words by axis, such as {"loudness": "soft", "pitch": "high"}: see `AXES`.
    Without `duration_s` it lasts as long as it naturally does; with it the waveform is exactly
    that long, filled by sounds that go on and followed by silence for those that ring out.
    Raises EarShotError for an unknown kind, an attribute it does not obey, a rate outside
    8-48 kHz.
    """
    sound = _known(kind)
    attributes = dict(attributes or {})
    check_attributes(sound, attributes)
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise EarShotError(
            got=f"sample_rate={sample_rate} Hz",
            expected=f"a sample rate of {RATES[0]} to {RATES[1]} Hz",
            mend="Render at one of those, and resample.",
        )
    if duration_s is not None and not 0.05 <= duration_s <= 3_600:
        raise EarShotError(
            got=f"duration_s={duration_s}", expected="0.05 to 3600 s", mend="Change duration_s."
        )
    return render_with(sound, attributes, duration_s, sample_rate, generator(seed, sound.name))


def render_with(
    sound: SoundKind,
    attributes: Mapping[str, str],
    duration_s: float | None,
    sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """`render_sound` after its checks, drawing from `rng`."""
    length_s = natural_length(sound, attributes, rng)
    sounding_s = length_s
    if duration_s is not None:
        length_s = duration_s
        share = SHORT_SHARE if attributes.get("length") == "short" else 1.0
        sounding_s = min(sounding_s, duration_s) if sound.one_shot else share * duration_s
    take = Take(
        rng,
        sample_rate,
        max(2, round(sounding_s * sample_rate)),
        pitch=rng.uniform(*FACTOR.get(attributes.get("pitch", ""), PLAIN)),
        speed=rng.uniform(*FACTOR.get(attributes.get("speed", ""), PLAIN)),
    )
    waveform = sound.render(take)
    waveform = _level(colour(waveform - np.mean(waveform), take), take)
    if "distance" in attributes:
        waveform = move(waveform, take, attributes["distance"])
    if "loudness" in attributes:
        waveform = waveform * 10 ** (LEVEL_DB[attributes["loudness"]] / 20)
    waveform = np.clip(waveform, -1.0, 1.0)
    ends = min(len(waveform) // 4, sample_rate // 250)  # no click at either end
    waveform[:ends] *= np.linspace(0, 1, ends)
    waveform[len(waveform) - ends :] *= np.linspace(1, 0, ends)
    missing = round(length_s * sample_rate) - len(waveform)
    return np.pad(waveform, (0, max(missing, 0))).astype(np.float32)


def natural_length(
    sound: SoundKind, attributes: Mapping[str, str], rng: np.random.Generator
) -> float:
    """Seconds that it lasts when nobody says how long."""
    return float(rng.uniform(*sound.span_s)) * LENGTH.get(attributes.get("length", ""), 1.0)


def check_attributes(sound: SoundKind, attributes: Mapping[str, str]) -> None:
    """Refuse unknown axes and words, and axes that the kind does not obey."""
    for axis, word in attributes.items():
        if axis not in AXES:
            raise unknown_name("attribute", axis, AXES)
        if AXIS_OF.get(word) != axis:
            raise unknown_name(f"{axis} of a sound", word, AXES[axis])
        if axis not in sound.attributes:
            raise EarShotError(
                got=f"{axis} of {sound.name!r}",
                expected=f"one of {', '.join(sound.attributes)}",
                mend="Leave it out, or take another kind of sound.",
            )


def active_rms(waveform: np.ndarray, sample_rate: int) -> float:
    """RMS over the 20 ms frames within 30 dB of the loudest one: silence between does not count."""
    hop = max(1, sample_rate // 50)
    n_frames = max(1, len(waveform) // hop)
    frames = np.resize(waveform, n_frames * hop).reshape(n_frames, hop)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return float(np.sqrt(np.mean(power[power >= power.max() * 1e-3])))


def _level(waveform: np.ndarray, take: Take) -> np.ndarray:
    """Bring to the common RMS, or to the common peak where that comes first.

    Rare peaks are rounded off before that, so that one drop does not make all the rain soft.
    """
    rms = active_rms(waveform, take.sample_rate) + 1e-12
    waveform = CREST * rms * np.tanh(waveform / (CREST * rms))
    peak = float(np.max(np.abs(waveform))) + 1e-12
    return waveform * min(RMS / (active_rms(waveform, take.sample_rate) + 1e-12), PEAK / peak)


def _known(kind: str) -> SoundKind:
    if kind not in SOUNDS:
        raise unknown_name("kind of sound", kind, SOUNDS)
    return SOUNDS[kind]
