"""The part of a recording where something sounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from earshot.audio.errors import AudioError
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet

HEARD_S = 60.0  # of a longer recording its first minute is looked at
STEP_S = 0.05  # how finely the loudest part is looked for


def loudest_start(waveform: np.ndarray, n_samples: int, step: int) -> int:
    """Where the `n_samples` with the most energy begin, in steps of `step`; 0 for a shorter sound.

    Of several the first.
    """
    if len(waveform) <= n_samples:
        return 0
    energy = np.concatenate([[0.0], np.cumsum(waveform.astype(np.float64) ** 2)])
    starts = np.arange(0, len(waveform) - n_samples + 1, max(1, step))
    return int(starts[np.argmax(energy[starts + n_samples] - energy[starts])])


def read_loudest(clip: Clip, duration_s: float, sample_rate: int) -> np.ndarray:
    """The loudest `duration_s` of the clip, [samples] at `sample_rate`; a shorter clip whole.

    Raises AudioError, with the reason, when the sound cannot be used.
    """
    _check(duration_s)
    waveform = clip.read(sample_rate=sample_rate, duration_s=max(HEARD_S, duration_s)).waveform
    n_samples = max(1, round(duration_s * sample_rate))
    start = loudest_start(waveform, n_samples, round(STEP_S * sample_rate))
    return waveform[start : start + n_samples]


def loudest_part(clip: Clip, duration_s: float) -> Clip:
    """The clip as an excerpt of its loudest `duration_s`; a shorter one as it is.

    Raises AudioError, with the reason, when the sound cannot be used.
    """
    _check(duration_s)
    sound = clip.read(duration_s=max(HEARD_S, duration_s))
    n_samples = max(1, round(duration_s * sound.sample_rate))
    if len(sound.waveform) <= n_samples:
        return clip
    start = loudest_start(sound.waveform, n_samples, round(STEP_S * sound.sample_rate))
    return replace(
        clip, start_s=clip.start_s + start / sound.sample_rate, duration_s=float(duration_s)
    )


def loudest_parts(clips: ClipSet, duration_s: float) -> ClipSet:
    """Every clip as its loudest part; one that cannot be read stays, for who reads it to report."""
    parts = []
    for clip in clips:
        try:
            parts.append(loudest_part(clip, duration_s))
        except AudioError:
            parts.append(clip)
    return ClipSet(parts, name=clips.name, labels=clips.labels)


def _check(duration_s: float) -> None:
    if not 0 < duration_s < float("inf"):
        raise EarShotError(
            got=f"event_s={duration_s:g}", expected="seconds above 0", mend="Give 1.5 or so."
        )
