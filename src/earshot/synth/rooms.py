"""What lies between a sound and its recording: the microphone's colour, and distance."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve

from earshot.synth.noise import low_pass, white
from earshot.synth.take import Take

FAR_HZ = 1_800.0  # the air and the walls take what lies above
FAR_DB = -9.0
NEAR_DB = 2.0
TAIL_S = 0.35
COLOUR_DB = 5.0  # most that a recording lifts or cuts a region of the spectrum


def colour(waveform: np.ndarray, take: Take) -> np.ndarray:
    """`waveform` through a random smooth frequency response, another one for every take."""
    n = len(waveform)
    spectrum = rfft(waveform, next_fast_len(n, real=True))
    hz = np.fft.rfftfreq(next_fast_len(n, real=True), 1 / take.sample_rate)
    knots = np.geomspace(60, take.sample_rate / 2, 7)
    gains_db = take.rng.uniform(-COLOUR_DB, COLOUR_DB, len(knots))
    curve = np.interp(np.log(np.maximum(hz, 1.0)), np.log(knots), gains_db)
    return irfft(spectrum * 10 ** (curve / 20), next_fast_len(n, real=True))[:n]


def move(waveform: np.ndarray, take: Take, distance: str) -> np.ndarray:
    """`waveform` as heard from "near" or "far"; far adds a dying tail inside the same length."""
    if distance == "near":
        return waveform * 10 ** (NEAR_DB / 20)
    dull = low_pass(waveform, take.sample_rate, FAR_HZ)
    tail = take.part(TAIL_S)
    echo = white(tail) * np.exp(-tail.seconds() / (TAIL_S / 5))
    echo *= 1.2 / (np.sqrt(np.sum(echo**2)) + 1e-12)
    room = fftconvolve(dull, echo)[: len(waveform)]
    return (0.5 * dull + room) * 10 ** (FAR_DB / 20)
