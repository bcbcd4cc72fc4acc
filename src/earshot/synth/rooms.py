"""Distance: what is far comes softer, duller and with the room around it."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from earshot.synth.noise import low_pass, white
from earshot.synth.take import Take

FAR_HZ = 1_800.0  # the air and the walls take what lies above
FAR_DB = -9.0
NEAR_DB = 2.0
TAIL_S = 0.35


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
