"""Sounds that are already in memory as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.sound import AudioInfo, check_channels

BLOCK_FRAMES = 2**18


class ArraySound:
    """An array [samples] or [channels, samples] in the shape of an open file."""

    def __init__(self, waveform: np.ndarray, sample_rate: int, name: str) -> None:
        if waveform.ndim not in (1, 2):
            raise AudioError(
                got=f"an array of shape {list(waveform.shape)}",
                expected="[samples] or [channels, samples]",
                mend="Pass the clips of a batch one by one.",
            )
        self.name = name
        self._channels = np.atleast_2d(waveform)  # [channels, samples]
        n_channels, n_samples = self._channels.shape
        check_channels(n_channels, name)
        self.info = AudioInfo(
            sample_rate=sample_rate,
            n_channels=n_channels,
            n_samples=n_samples,
            duration_s=n_samples / sample_rate,
            format="array",
            codec=str(waveform.dtype),
        )

    def blocks(self, start: int, stop: int | None) -> Iterator[np.ndarray]:
        """Blocks [frames, channels] float32 from sample `start` to `stop` or the end."""
        end = self._channels.shape[1] if stop is None else min(stop, self._channels.shape[1])
        for first in range(start, end, BLOCK_FRAMES):
            block = self._channels[:, first : min(first + BLOCK_FRAMES, end)]
            yield as_float(block).T  # [frames, channels]

    def close(self) -> None:
        """Nothing to let go of."""


def as_float(samples: np.ndarray) -> np.ndarray:
    """Samples as float32: integers scaled from their full range to [-1, 1), floats as they are."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    if samples.dtype.kind not in "iu" or samples.dtype.itemsize > 4:
        raise AudioError(
            got=f"samples of type {samples.dtype}",
            expected="floats in [-1, 1], or integers of 8, 16 or 32 bits",
            mend="Convert the array: waveform.astype(np.float32).",
        )
    half = float(2 ** (8 * samples.dtype.itemsize - 1))
    middle = half if samples.dtype.kind == "u" else 0.0
    return ((samples.astype(np.float64) - middle) / half).astype(np.float32)
