"""Tones and instruments: plain signals, and short phrases on the voices of `instruments`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from earshot.synth import envelopes, instruments, noise, oscillators
from earshot.synth.instruments import Voice
from earshot.synth.kind import SoundKind
from earshot.synth.take import Take

SCALES = ((0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12), (0, 2, 4, 7, 9, 12))


def phrase(
    voice: Voice, base_hz: float, rate_hz: float, hold: float = 1.0
) -> Callable[[Take], np.ndarray]:
    """A short melody on `voice` that starts near `base_hz`; notes last `hold` of their step."""

    def play(take: Take) -> np.ndarray:
        step_s = 1 / (rate_hz * take.speed)
        n_notes = max(1, int(take.duration_s / step_s + 0.3))
        step_s = min(step_s, take.duration_s / n_notes)
        scale = SCALES[take.rng.integers(len(SCALES))]
        walk = np.cumsum(take.rng.choice([-2, -1, 1, 1, 2], n_notes))
        base = base_hz * take.pitch * 2 ** (take.uniform(-2, 2) / 12)
        part = take.part(min(step_s * hold, take.duration_s))
        notes = []
        for place in walk:
            octave, degree = divmod(int(place), len(scale) - 1)
            octave = max(-1, min(octave, 0))
            notes.append(voice(part, base * 2 ** (octave + scale[degree] / 12)))
        return envelopes.place(take, step_s * np.arange(n_notes), notes)

    return play


def sine_tone(take: Take) -> np.ndarray:
    """One pure tone."""
    return oscillators.sine(take, 640 * take.pitch) * envelopes.swell(take, 0.02, 0.02)


def sweep(take: Take) -> np.ndarray:
    """A tone that climbs evenly in octaves."""
    curve = np.geomspace(220, min(4_800, take.top_hz), take.n_samples)
    return oscillators.sine(take, curve) * envelopes.swell(take, 0.02, 0.02)


def falling(take: Take) -> np.ndarray:
    """A tone that falls evenly in octaves."""
    curve = np.geomspace(min(3_600, take.top_hz), 160, take.n_samples)
    return oscillators.stack(take, curve, (1, 0.3, 0.1)) * envelopes.swell(take, 0.02, 0.02)


def white_noise(take: Take) -> np.ndarray:
    """Equal power at all frequencies."""
    return noise.white(take) * envelopes.swell(take, 0.03, 0.03)


def pink_noise(take: Take) -> np.ndarray:
    """Equal power in all octaves."""
    return noise.sloped(take, -3) * envelopes.swell(take, 0.03, 0.03)


def laser(take: Take) -> np.ndarray:
    """A toy ray gun: quick falling chirps."""
    times = envelopes.beats(take, 3.4, 0.05, room_s=0.15)
    part = take.part(0.18)
    curve = np.minimum(take.pitch * (350 + 3_000 * np.exp(-part.seconds() / 0.04)), take.top_hz)
    zap = oscillators.stack(part, curve, (1, 0.5, 0.3)) * envelopes.decay(part, 0.09)
    return envelopes.place(take, times, [zap] * len(times))


def hum(take: Take) -> np.ndarray:
    """Mains: 50 Hz and its even harmonics."""
    return oscillators.stack(
        take, 50 * take.pitch, (0.6, 1, 0.1, 0.6, 0.1, 0.4, 0.05, 0.2)
    ) * envelopes.swell(take, 0.05, 0.05)


def synth_pad(take: Take) -> np.ndarray:
    """A soft detuned chord that swells."""
    root = 220 * take.pitch * 2 ** (take.uniform(-3, 3) / 12)
    chord = np.zeros(take.n_samples)
    for ratio in (1, 1.26, 1.498):
        for detune in (0.996, 1.004):
            chord += oscillators.saw(take, root * ratio * detune)
    return noise.low_pass(chord, take.sample_rate, 1_100) * envelopes.swell(take, 0.4, 0.5)


def _instrument(
    name: str,
    voice: Voice,
    base_hz: float,
    rate_hz: float,
    others: Sequence[str],
    hold: float = 1.0,
) -> SoundKind:
    """An instrument's kind: "a piano", "someone plays the piano", and other names for it."""
    article = "an" if name[0] in "aeiou" else "a"
    return SoundKind(
        name,
        "tones",
        phrase(voice, base_hz, rate_hz, hold),
        nouns=(f"{article} {name}", f"{name} music", *others),
        actions=(
            f"{article} {name} | plays | playing",
            f"someone | plays the {name} | playing the {name}",
            f"a musician | plays the {name} | playing the {name}",
        ),
        obeys=("speed", "pitch", "length"),
        span_s=(1.2, 3.0),
    )


KINDS = (
    SoundKind(
        "sine tone",
        "tones",
        sine_tone,
        nouns=("a sine tone", "a pure tone"),
        actions=("a pure tone | sounds | sounding", "a test tone | plays | playing"),
        obeys=("pitch", "length"),
        span_s=(0.8, 2.2),
    ),
    SoundKind(
        "rising sweep",
        "tones",
        sweep,
        nouns=("a rising sweep", "a rising tone"),
        actions=("a tone | rises | rising", "a tone | sweeps upward | sweeping upward"),
        obeys=("length",),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "falling sweep",
        "tones",
        falling,
        nouns=("a falling sweep", "a falling tone"),
        actions=("a tone | falls | falling", "a tone | sweeps downward | sweeping downward"),
        obeys=("length",),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "white noise",
        "tones",
        white_noise,
        nouns=("white noise", "static"),
        actions=("static | hisses | hissing", "white noise | plays | playing"),
        obeys=("length",),
        span_s=(1.0, 3.0),
    ),
    SoundKind(
        "pink noise",
        "tones",
        pink_noise,
        nouns=("pink noise", "broadband noise"),
        actions=("pink noise | plays | playing", "pink noise | sounds | sounding"),
        obeys=("length",),
        span_s=(1.0, 3.0),
    ),
    SoundKind(
        "laser zap",
        "tones",
        laser,
        nouns=("laser zaps", "a toy ray gun"),
        actions=("a laser | zaps | zapping", "a toy ray gun | fires | firing"),
        obeys=("speed", "length"),
        span_s=(0.9, 2.2),
    ),
    SoundKind(
        "mains hum",
        "tones",
        hum,
        nouns=("a mains hum", "an electric hum"),
        actions=("a transformer | hums | humming", "a power line | hums | humming"),
        obeys=("length",),
        span_s=(1.2, 3.0),
    ),
    SoundKind(
        "synthesizer pad",
        "tones",
        synth_pad,
        nouns=("a synthesizer pad", "a synth chord"),
        actions=(
            "a synthesizer | swells | swelling",
            "a synthesizer | holds a chord | holding a chord",
        ),
        obeys=("pitch", "length"),
        span_s=(1.6, 3.2),
    ),
    _instrument("piano", instruments.piano, 330, 3.0, ("piano notes",), 1.6),
    _instrument("guitar", instruments.guitar, 247, 3.0, ("a plucked guitar",), 1.6),
    _instrument("bass guitar", instruments.bass, 62, 2.6, ("a bass line",), 1.2),
    _instrument("harp", instruments.harp, 440, 4.2, ("harp notes",), 1.1),
    _instrument("organ", instruments.organ, 262, 2.0, ("a pipe organ",)),
    _instrument("flute", instruments.flute, 660, 2.6, ("a flute melody",)),
    _instrument("clarinet", instruments.clarinet, 294, 2.4, ("a clarinet melody",)),
    _instrument("saxophone", instruments.saxophone, 233, 2.4, ("a sax solo",), 0.85),
    _instrument("trumpet", instruments.trumpet, 392, 2.6, ("a trumpet call",)),
    _instrument("violin", instruments.violin, 523, 2.2, ("a fiddle tune",)),
    _instrument("cello", instruments.cello, 110, 1.8, ("a cello melody",)),
    _instrument("marimba", instruments.marimba, 392, 4.2, ("a xylophone",), 1.3),
    _instrument("accordion", instruments.accordion, 294, 2.2, ("an accordion tune",)),
)
