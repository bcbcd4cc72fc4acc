"""Sounds that front ends are held to: noise, tones, silence and real clips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soundfile
import soxr

from shared_data import shared_data

SYNTHETIC = ("noise", "tone", "chirp", "clicks", "silence")


def synthetic(name: str, sample_rate: int, seconds: float = 1.3) -> np.ndarray:
    n = int(seconds * sample_rate) + 7  # no multiple of a hop
    t = np.arange(n) / sample_rate
    clicks = np.zeros(n)
    clicks[:: sample_rate // 7] = 0.9
    waveform = {
        "noise": 0.1 * np.random.default_rng(0).normal(size=n),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * t),
        "chirp": 0.5 * np.sin(2 * np.pi * (100 * t + 900 * t**2)),
        "clicks": clicks,
        "silence": np.zeros(n),
    }[name]
    return waveform.astype(np.float32)


@pytest.fixture(params=SYNTHETIC)
def sound(request: pytest.FixtureRequest) -> Callable[[int], np.ndarray]:
    """sample_rate -> one synthetic waveform; the test runs with each of them."""
    return lambda sample_rate: synthetic(request.param, sample_rate)


@pytest.fixture(scope="session")
def recordings() -> Callable[[int], list[np.ndarray]]:
    """sample_rate -> a few real clips, up to 3 s."""

    def load(sample_rate: int) -> list[np.ndarray]:
        clips = []
        for folder in ("esc10", "instruments"):
            for path in sorted(shared_data(folder).rglob("*.ogg"))[:40:20]:
                waveform, rate = soundfile.read(path, dtype="float32", frames=132_300)
                clips.append(soxr.resample(waveform, rate, sample_rate))
        return clips

    return load
