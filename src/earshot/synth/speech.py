"""Spoken phrases: by espeak-ng where it is installed, by a formant voice of our own otherwise."""

from __future__ import annotations

from typing import Literal

import numpy as np

from earshot.audio import Audio, resample
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.synth import espeak, formant_voice
from earshot.synth.render import RATES

VOICES = tuple(formant_voice.SPEAKERS)  # m1 .. m4 low, f1 .. f4 high; both engines have them all
PEAK = 0.7


def speak(
    text: str,
    *,
    language: str = "en",
    voice: str | None = None,
    pitch: float = 1.0,
    speed: float = 1.0,
    sample_rate: int = 16_000,
    seed: int = 0,
    engine: Literal["auto", "espeak", "formant"] = "auto",
) -> Audio:
    """`text` spoken; the same for the same arguments and engine.

    voice: one of VOICES, drawn from `seed` if left out. pitch and speed are factors, 0.5 to 2.
    engine: "auto" is espeak where installed. The formant voice makes speech-like syllables of any
    script, with an accent per language; it cannot read. Raises EarShotError for text with nothing
    to say, an unknown voice or language, and engine="espeak" without espeak-ng.
    """
    if not any(c.isalnum() for c in text):
        raise EarShotError(
            got=f"text {text[:40]!r}", expected="letters or digits to say", mend="Give it words."
        )
    if voice is not None and voice not in VOICES:
        raise unknown_name("voice", voice, VOICES)
    if not (0.5 <= pitch <= 2 and 0.5 <= speed <= 2):
        raise EarShotError(
            got=f"pitch={pitch}, speed={speed}", expected="factors of 0.5 to 2", mend="Change them."
        )
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise EarShotError(
            got=f"sample_rate={sample_rate} Hz",
            expected=f"{RATES[0]} to {RATES[1]} Hz",
            mend="Speak at one of those, and resample.",
        )
    if voice is None:
        voice = VOICES[int(generator(seed, "voice").integers(len(VOICES)))]
    if engine == "espeak" or (engine == "auto" and espeak.espeak_works()):
        waveform, rate = espeak.say(text, language, voice, pitch, speed)
        waveform = resample(waveform, rate, sample_rate)
    else:
        waveform = formant_voice.say(text, language, voice, pitch, speed, sample_rate, seed)
    peak = float(np.max(np.abs(waveform), initial=0.0))
    if peak == 0.0:
        raise EarShotError(
            got=f"silence for {text[:40]!r} in {language!r}",
            expected="speech",
            mend="Give text in a script of that language, or take engine='formant'.",
        )
    return Audio((PEAK / peak * waveform).astype(np.float32), sample_rate)
