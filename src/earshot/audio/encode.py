"""A sound as the bytes of a file, for those who send it on."""

from __future__ import annotations

import io
import wave

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.sound import Audio


def wav_bytes(sound: Audio) -> bytes:
    """A 16-bit mono WAV file. Raises AudioError for no samples and for NaN or Inf."""
    samples = sound.waveform
    if not len(samples) or not np.isfinite(samples).all():
        raise AudioError(
            got=f"{len(samples)} samples, not all of them numbers",
            expected="at least one finite sample",
            mend="Leave the sound out.",
        )
    steps = np.clip(np.rint(samples.astype(np.float64) * 2**15), -(2**15), 2**15 - 1)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.sample_rate)
        file.writeframes(steps.astype("<i2").tobytes())
    return out.getvalue()
