"""Clips to waveforms of at most `max_s`: only what is needed is decoded, and kept where it fits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip

Crop = Literal["random", "start", "none"]
LONGEST_KEPT = 3.0  # times max_s: of longer clips only the crop is decoded, anew on each visit


class ClipDecoder:
    """Decodes and crops clips by index, from several threads at once.

    The clips in `kept` are decoded whole and their waveforms held in memory until `cache_mb` is
    full; they are never dropped again, for an epoch visits every clip once, and dropping the oldest
    would drop the next one needed. Of other clips only the crop is decoded. Which way a clip goes
    never depends on what was visited before, so that a resumed run gives the same samples.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        sample_rate: int,
        max_s: float | None,
        crop: Crop,
        kept: AbstractSet[int] = frozenset(),
        cache_mb: float = 0.0,
    ) -> None:
        self.clips, self.sample_rate, self.crop, self.kept = clips, sample_rate, crop, kept
        self.max_s = None if crop == "none" else max_s
        self._room = int(cache_mb * 2**20)  # bytes still free
        self._waveforms: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def decode(self, index: int, at: float) -> np.ndarray:
        """The waveform [samples] of one clip; `at` in [0, 1) says where a random crop lies.

        Raises EarShotError or OSError when the sound cannot be used.
        """
        held = self._waveforms.get(index)
        if held is not None:
            return self._cut(held, at)
        clip = self.clips[index]
        if self.max_s is None:
            waveform = clip.read(sample_rate=self.sample_rate).waveform
        else:
            length_s = clip.measure_s()  # by the header: a manifest's word would miss the end
            longest_s = self.max_s * (LONGEST_KEPT if index in self.kept else 1.0)
            if length_s is not None and length_s > longest_s:
                offset_s = at * (length_s - self.max_s) if self.crop == "random" else 0.0
                part = clip.read(
                    sample_rate=self.sample_rate, offset_s=offset_s, duration_s=self.max_s
                )
                return self._cut(_sound(clip, part.waveform), 0.0)
            bound_s = self.max_s * LONGEST_KEPT  # for a file that does not say how long it is
            waveform = clip.read(sample_rate=self.sample_rate, duration_s=bound_s).waveform
        waveform = _sound(clip, waveform)
        if index in self.kept:
            self._hold(index, waveform)
        return self._cut(waveform, at)

    def _hold(self, index: int, waveform: np.ndarray) -> None:
        with self._lock:
            if index not in self._waveforms and waveform.nbytes <= self._room:
                self._waveforms[index] = waveform
                self._room -= waveform.nbytes

    def _cut(self, waveform: np.ndarray, at: float) -> np.ndarray:
        if self.max_s is None:
            return waveform
        most = max(1, round(self.max_s * self.sample_rate))
        spare = max(0, len(waveform) - most)
        start = int(at * (spare + 1)) if self.crop == "random" else 0
        return waveform[start : start + most]


def clips_to_keep(
    lengths_s: Sequence[float], *, sample_rate: int, max_s: float | None, cache_mb: float
) -> frozenset[int]:
    """Indices of the clips whose whole waveforms fit into `cache_mb` together, first come first.

    A length of 0 is an unknown one; such clips are not kept.
    """
    room = cache_mb * 2**20
    kept = set()
    for index, length_s in enumerate(lengths_s):
        n_bytes = 4 * length_s * sample_rate
        short = max_s is None or length_s <= LONGEST_KEPT * max_s
        if short and 0 < n_bytes <= room:
            kept.add(index)
            room -= n_bytes
    return frozenset(kept)


def _sound(clip: Clip, waveform: np.ndarray) -> np.ndarray:
    if not len(waveform):
        raise EarShotError(
            got=f"{clip.id} with no sample at {clip.start_s:g} s",
            expected="sound",
            mend="Correct the clip's start and duration.",
        )
    return waveform
