"""What the audio room hands out, and what its decoders have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from earshot.audio.errors import AudioError

MIN_RATE, MAX_RATE = 1_000, 768_000  # Hz; 192 kHz is usual for bats, 768 kHz the most sold
MAX_CHANNELS = 64  # seventh-order ambisonics


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono sound and its sample rate, which never part."""

    waveform: np.ndarray  # [samples] float32 in [-1, 1]
    sample_rate: int  # Hz

    def __post_init__(self) -> None:
        if self.waveform.ndim != 1:
            raise AudioError(
                got=f"a waveform of shape {list(self.waveform.shape)}",
                expected="a mono waveform [samples]",
                mend="Pass the array to read_audio with source_rate: it mixes channels down.",
            )
        check_rate(self.sample_rate, "this Audio")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.waveform) / self.sample_rate


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of itself, without decoding it."""

    sample_rate: int  # Hz
    n_channels: int
    n_samples: int | None  # per channel; None where the header does not say
    duration_s: float | None
    format: str  # the container: "wav", "flac", "ogg", "mp3", "mp4", "matroska" ...
    codec: str  # "pcm_16", "vorbis", "aac" ...


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of a longer sound, never padded."""

    waveform: np.ndarray  # [samples] float32 in [-1, 1]
    start_s: float
    end_s: float


class Sound(Protocol):
    """An open sound: what a decoder offers to the readers of this room."""

    name: str  # how messages call it
    info: AudioInfo

    def blocks(self, start: int, stop: int | None) -> Iterator[np.ndarray]:
        """Blocks [frames, channels] float32 from sample `start` to `stop` or the end."""

    def close(self) -> None:
        """Let go of the file."""


def check_rate(sample_rate: int, name: str) -> None:
    """Refuse sample rates that no recorder makes: they would fill memory when resampled."""
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise AudioError(
            got=f"{name} at a sample rate of {sample_rate} Hz",
            expected=f"{MIN_RATE:,} to {MAX_RATE:,} Hz",
            mend="Check the number; a damaged file must be exported again.",
        )


def check_channels(n_channels: int, name: str) -> None:
    """Refuse channel counts that only a damaged header or a transposed array has."""
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise AudioError(
            got=f"{name} with {n_channels} channels",
            expected=f"1 to {MAX_CHANNELS} channels",
            mend="Arrays are [channels, samples]: transpose it; a damaged file must be exported "
            "again.",
        )
