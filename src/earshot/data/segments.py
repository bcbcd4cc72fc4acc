"""Segments of sound by label, cut from labelled clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from earshot.audio.mixing import tiled
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.decoding import ClipDecoder, clips_to_keep
from earshot.data.faults import LoadFault

log = logging.getLogger("earshot.data")
TRIES = 3  # cuts drawn of a clip that is longer than needed; the loudest is taken


class Segments:
    """Draws sounds of a label from clips that have just this label.

    A clip that cannot be read is reported once, stands in `failures`, and another of its label
    takes its place. What is drawn depends on clips and generator alone.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        sample_rate: int,  # Hz
        longest_s: float,  # of longer clips a random part is read
        cache_mb: float = 512.0,  # of decoded sound kept in memory
    ) -> None:
        self.clips = [clip for clip in clips if len(clip.labels) == 1]
        self.sample_rate = sample_rate
        self.failures: list[LoadFault] = []
        self._bad: set[int] = set()
        self._of: dict[str, list[int]] = {}
        for index, clip in enumerate(self.clips):
            self._of.setdefault(clip.labels[0], []).append(index)
        if not self._of:
            name = clips.name if isinstance(clips, ClipSet) else "the clips"
            raise EarShotError(
                got=f"{name}, in which no clip has exactly one label",
                expected="clips with a label each",
                mend="Name the column of labels; clips are composed of sounds of known labels.",
            )
        self.labels = tuple(sorted(self._of))
        lengths = [clip.known_duration_s or longest_s for clip in self.clips]
        self._decoder = ClipDecoder(
            self.clips,
            sample_rate=sample_rate,
            max_s=longest_s,
            crop="random",
            kept=clips_to_keep(
                lengths, sample_rate=sample_rate, max_s=longest_s, cache_mb=cache_mb
            ),
            cache_mb=cache_mb,
        )

    def draw(
        self, label: str, n_samples: int, rng: np.random.Generator, *, fill: bool = False
    ) -> np.ndarray:
        """A sound [samples] of `label`, at most `n_samples` long.

        Of a longer clip the loudest of a few drawn cuts is taken; a shorter one comes whole, or is
        repeated up to `n_samples` with fill=True.
        """
        mine = self._of[label]
        turn, at, *cuts = rng.random(2 + TRIES)
        first = int(turn * len(mine))
        for step in range(len(mine)):
            waveform = self._read(mine[(first + step) % len(mine)], float(at))
            if waveform is not None:
                return self._cut(waveform, n_samples, cuts, fill)
        raise EarShotError(
            got=f"{len(mine)} clips of {label!r}, none of which can be read",
            expected="sounds",
            mend=f"The first fault: {self.failures[0]}",
        )

    def _cut(
        self, waveform: np.ndarray, n_samples: int, cuts: Sequence[float], fill: bool
    ) -> np.ndarray:
        spare = len(waveform) - n_samples
        if spare <= 0:
            return tiled(waveform, n_samples) if fill else waveform
        starts = [int(cut * (spare + 1)) for cut in cuts]
        parts = [waveform[start : start + n_samples] for start in starts]
        return max(parts, key=lambda part: float(np.dot(part, part)))

    def _read(self, index: int, at: float) -> np.ndarray | None:
        """The clip's sound; None where it cannot be used."""
        if index in self._bad:
            return None
        try:
            return self._decoder.decode(index, at)
        except (EarShotError, OSError) as fault:
            self._bad.add(index)
            clip = self.clips[index]
            got, expected, mend = str(fault), "a sound that can be read", "Run: earshot data check."
            if isinstance(fault, EarShotError):
                got, expected, mend = fault.got, fault.expected, fault.mend
            failure = LoadFault("bad_audio", clip.id, got, expected, mend, clip=clip.id)
            self.failures.append(failure)
            log.warning("%s; another clip of its label takes its place", failure)
            return None
