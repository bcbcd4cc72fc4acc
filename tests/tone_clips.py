"""Labelled clips of tones: every label its own pitch, so that what was composed can be heard."""

from __future__ import annotations

import numpy as np

from earshot.audio import Audio
from earshot.data import Clip, ClipSet

RATE = 8_000  # Hz
PITCHES = {"dog": 300.0, "cat": 600.0, "rain": 1_200.0, "bell": 2_400.0}  # Hz


def tone_clips(per_label: int = 3, duration_s: float = 2.0) -> ClipSet:
    """Splits "train" and "test"; the phase of a tone is the clip's own."""
    clips = []
    for split in ("train", "test"):
        for label, pitch_hz in PITCHES.items():
            for number in range(per_label):
                name = f"{split}-{label}-{number}"
                phase = np.random.default_rng(list(name.encode())).uniform(0, 2 * np.pi)
                time = np.arange(round(duration_s * RATE)) / RATE
                waveform = (0.3 * np.sin(2 * np.pi * pitch_hz * time + phase)).astype(np.float32)
                clips.append(Clip(Audio(waveform, RATE), labels=(label,), split=split, id=name))
    return ClipSet(clips, name="tones")


def heard(waveform: np.ndarray) -> set[str]:
    """The labels whose pitches a stretch of sound holds."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    frequency = np.fft.rfftfreq(len(waveform), 1 / RATE)
    level = {
        label: float(spectrum[np.abs(frequency - pitch_hz) < 20].max())
        for label, pitch_hz in PITCHES.items()
    }
    return {label for label, each in level.items() if each > 0.1 * max(level.values())}
