"""Clips to waveforms of at most `max_s`: only what is needed is decoded, and kept where it fits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip

Crop = Literal["random", "start", "none"]
WHOLE = 3.0  # clips up to this many times max_s are decoded whole, to be kept and cropped again


class ClipDecoder:
    """Decodes and crops clips by index, from several threads at once.

    Waveforms are kept until `cache_mb` is full, and then kept for good: an epoch visits every clip
    once, so that dropping the oldest would drop the next one needed. Whether a clip is decoded
    whole or in part depends on its length alone, never on what is in the cache.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        sample_rate: int,
        max_s: float | None,
        crop: Crop,
        cache_mb: float,
    ) -> None:
        self.clips, self.sample_rate, self.crop = clips, sample_rate, crop
        self.max_s = None if crop == "none" else max_s
        self._caches = cache_mb > 0
        self._room = int(cache_mb * 2**20)  # bytes still free
        self._kept: dict[int, np.ndarray] = {}
        self._lengths: dict[int, float | None] = {}
        self._lock = threading.Lock()

    def decode(self, index: int, at: float) -> np.ndarray:
        """The waveform [samples] of one clip; `at` in [0, 1) says where a random crop lies.

        Raises EarShotError or OSError when the sound cannot be used.
        """
        whole = self._kept.get(index)
        if whole is not None:
            return self._crop(whole, at)
        clip = self.clips[index]
        length_s = None if self.max_s is None else self._length(index)
        if self.max_s is not None and length_s is not None and self._in_part(length_s):
            offset_s = at * (length_s - self.max_s) if self.crop == "random" else 0.0
            part = clip.read(sample_rate=self.sample_rate, offset_s=offset_s, duration_s=self.max_s)
            return self._crop(_sound(clip, part.waveform), 0.0)
        waveform = _sound(clip, clip.read(sample_rate=self.sample_rate).waveform)
        self._keep(index, waveform)
        return self._crop(waveform, at)

    def _in_part(self, length_s: float) -> bool:
        assert self.max_s is not None
        return length_s > self.max_s * (WHOLE if self._caches else 1.0)

    def _length(self, index: int) -> float | None:
        """Seconds by the header, asked once; a manifest's word is not enough to crop by."""
        if index not in self._lengths:
            self._lengths[index] = self.clips[index].measure_s()
        return self._lengths[index]

    def _keep(self, index: int, waveform: np.ndarray) -> None:
        with self._lock:
            if index not in self._kept and waveform.nbytes <= self._room:
                self._kept[index] = waveform
                self._room -= waveform.nbytes

    def _crop(self, waveform: np.ndarray, at: float) -> np.ndarray:
        if self.max_s is None:
            return waveform
        most = max(1, round(self.max_s * self.sample_rate))
        spare = max(0, len(waveform) - most)
        start = int(at * (spare + 1)) if self.crop == "random" else 0
        return waveform[start : start + most]


def _sound(clip: Clip, waveform: np.ndarray) -> np.ndarray:
    if not len(waveform):
        raise EarShotError(
            got=f"{clip.id} with no sample at {clip.start_s:g} s",
            expected="sound",
            mend="Correct the clip's start and duration.",
        )
    return waveform
