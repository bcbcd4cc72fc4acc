"""Recordings of brains that hear speech, what they heard when, and a split that leaks nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError

SHARES = (0.7, 0.1, 0.2)  # of blocks in train, valid and test
SPLITS = ("train", "valid", "test")
LEAST_BLOCK_S = 6.0


@dataclass(frozen=True)
class HeardWord:
    """A word as it was heard: when in the recording, and where in which sound."""

    text: str
    onset_s: float  # in the recording
    sound: str  # name of the sound that was playing
    start_s: float  # in that sound
    duration_s: float = 0.0
    sentence: str = ""  # of the sound; empty where nobody said


@dataclass(frozen=True)
class FeatureTrack:
    """Features over time: values [features, frames] at `rate` frames a second."""

    values: np.ndarray = field(repr=False, compare=False)
    rate: float

    def window(self, begin_s: float, n_samples: int, sample_rate: float) -> np.ndarray:
        """Float32 [features, n_samples] from `begin_s` on, each sample from the frame it lies in.

        Nearest neighbour, as the paper interpolates; times beyond the ends take the frame there.
        """
        times = begin_s + np.arange(n_samples) / sample_rate
        frames = np.floor(times * self.rate + 1e-6).astype(np.int64)
        return self.values[:, frames.clip(0, self.values.shape[1] - 1)].astype(np.float32)


HeardSound = Path | Audio | FeatureTrack


@dataclass(frozen=True)
class BrainRecording:
    """One recording of one subject."""

    id: str
    subject: str
    signal: np.ndarray = field(repr=False, compare=False)  # [channels, samples], float32, any unit
    sample_rate: float  # Hz
    positions: np.ndarray = field(repr=False, compare=False)  # [channels, 2] in [0, 1]; NaN: none
    words: tuple[HeardWord, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.positions.shape != (len(self.signal), 2):
            raise EarShotError(
                got=f"{self.id} with a signal of shape {list(self.signal.shape)} and positions of "
                f"shape {list(self.positions.shape)}",
                expected="[channels, samples] and [channels, 2]",
                mend="Give every channel a place; NaN where it has none.",
            )
        if not np.isfinite(self.signal).all():
            raise EarShotError(
                got=f"{self.id} with NaN or infinite samples",
                expected="finite numbers",
                mend="Mark such channels as bad in channels.tsv, or cut the recording.",
            )
        if np.isnan(self.positions).any(1).all():
            raise EarShotError(
                got=f"{self.id}, no sensor of which has a place",
                expected="places of sensors",
                mend="Supply electrodes.tsv, or name the channels after the 10-05 system.",
            )


@dataclass(frozen=True)
class BrainStudy:
    """Recordings of several subjects, and the sounds that they heard, by name."""

    recordings: tuple[BrainRecording, ...]
    sounds: Mapping[str, HeardSound]
    notes: tuple[str, ...] = ()  # what was left out and why

    def __post_init__(self) -> None:
        heard = {word.sound for each in self.recordings for word in each.words}
        if missing := sorted(heard - set(self.sounds)):
            raise EarShotError(
                got=f"no sound {missing[0]!r}"
                + (f" and {len(missing) - 1} more" * bool(missing[1:])),
                expected="every sound that the words name",
                mend="Put the sound files where the events say, or correct their column of files.",
            )

    @property
    def subjects(self) -> list[str]:
        """Their names, sorted: the order of their matrices in a model."""
        return sorted({each.subject for each in self.recordings})


@dataclass(frozen=True)
class Extent:
    """A stretch of a sound that lies in one split, as long as it gets."""

    sound: str
    start_s: float
    stop_s: float
    split: str

    def holds(self, begin_s: float, end_s: float) -> bool:
        """Whether that stretch of the sound lies in it."""
        return self.start_s <= begin_s + 1e-6 and end_s <= self.stop_s + 1e-6


def split_of(name: str, seed: int, shares: Sequence[float] = SHARES) -> str:
    """ "train", "valid" or "test", by a hash of the name and the seed alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares)
    for split, edge in zip(SPLITS, np.cumsum(shares), strict=True):
        if place < edge:
            return split
    return SPLITS[-1]


def split_extents(
    study: BrainStudy,
    seed: int,
    *,
    least_s: float = LEAST_BLOCK_S,
    shares: Sequence[float] = SHARES,
) -> list[Extent]:
    """Every sound, cut into stretches of one split; the same ones for all subjects.

    Sentences are joined to blocks of at least `least_s`; a hash puts each block into a split;
    neighbours of one split become one extent. What is cut out of one extent shares no sound with
    another. Source: arXiv:2208.12266, Methods.
    """
    extents: list[Extent] = []
    for sound in sorted(study.sounds):
        words = _words_of(study, sound)
        if not words:
            continue
        starts = [block[0].start_s for block in _blocks(words, least_s)]
        starts[0] = 0.0
        last = words[-1]
        stops = [*starts[1:], max(last.start_s + last.duration_s, _length_s(study.sounds[sound]))]
        splits = [split_of(f"{sound}/{index}", seed, shares) for index in range(len(starts))]
        for split, run in groupby(zip(starts, stops, splits, strict=True), key=lambda b: b[2]):
            blocks = list(run)
            extents.append(Extent(sound, blocks[0][0], blocks[-1][1], split))
    return extents


def whole_extents(study: BrainStudy) -> list[Extent]:
    """Every sound from its beginning to its end, as one stretch of the split "all"."""
    extents = []
    for sound in sorted(study.sounds):
        if words := _words_of(study, sound):
            end_s = words[-1].start_s + words[-1].duration_s
            extents.append(Extent(sound, 0.0, max(end_s, _length_s(study.sounds[sound])), "all"))
    return extents


def _words_of(study: BrainStudy, sound: str) -> list[HeardWord]:
    """The words of a sound in its order, once each, from all recordings in which it was heard."""
    found: dict[int, HeardWord] = {}
    for recording in study.recordings:
        for word in recording.words:
            if word.sound == sound:
                found.setdefault(round(word.start_s * 1000), word)
    return [found[key] for key in sorted(found)]


def _blocks(words: Sequence[HeardWord], least_s: float) -> Iterator[list[HeardWord]]:
    """Sentences in a row until they last `least_s`; without sentences, words in a row."""
    block: list[HeardWord] = []
    for index, word in enumerate(words):
        is_new = not word.sentence or not index or word.sentence != words[index - 1].sentence
        if block and is_new and word.start_s - block[0].start_s >= least_s:
            yield block
            block = []
        block.append(word)
    yield block


def _length_s(sound: HeardSound) -> float:
    """Seconds of a sound, 0 where only decoding would tell."""
    if isinstance(sound, FeatureTrack):
        return sound.values.shape[1] / sound.rate
    if isinstance(sound, Audio):
        return sound.duration_s
    from earshot.audio import probe_audio

    return probe_audio(sound).duration_s or 0.0
