"""Change of sample rate."""

from __future__ import annotations

import numpy as np
import soxr

from earshot.audio.sound import check_rate

QUALITY = "HQ"  # 20 bits: stop band below -120 dB


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """The waveform [samples] or [channels, samples] at `to_rate`, band-limited (soxr HQ).

    Linear phase, no delay; `round(n * to_rate / from_rate)` samples come out, float32. What lies
    above half of the lower rate is taken away. Raises AudioError for rates outside 1-768 kHz.
    """
    check_rate(from_rate, "a waveform")
    check_rate(to_rate, "a target")
    samples = np.ascontiguousarray(waveform.T, dtype=np.float32)  # [samples] or [samples, channels]
    if from_rate == to_rate or not len(samples):
        return samples.T
    return soxr.resample(samples, from_rate, to_rate, quality=QUALITY).T
