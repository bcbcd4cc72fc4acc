"""Clips as probes take them: waveforms at one rate, and the number of each clip's label."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from earshot.core.seed import generator
from earshot.data import Clip
from earshot.data.spoken_digits import digit_clips

Labelled = tuple[list[np.ndarray], list[int]]  # waveforms [samples] each, and labels


def labelled(clips: Sequence[Clip], names: Sequence[str], sample_rate: int) -> Labelled:
    """The sounds of clips, and the place of each one's first label among `names`."""
    number = {name: place for place, name in enumerate(names)}
    waveforms = [clip.read(sample_rate=sample_rate).waveform for clip in clips]
    return waveforms, [number[clip.labels[0]] for clip in clips]


@lru_cache(maxsize=2)
def labelled_digits(
    seed: int, n_train: int, n_test: int, sample_rate: int
) -> tuple[Labelled, Labelled]:
    """Recorded digits: some of all speakers but one to learn from, some of that one for the test.

    Raises EarShotError where EARSHOT_SHARED does not hold the recordings.
    """
    clips, found = digit_clips(seed), []
    for split, n in (("train", n_train), ("test", n_test)):
        part = clips.split(split)
        chosen = generator(seed, split, "probed digits").permutation(len(part))[:n]
        found.append(labelled([part[int(i)] for i in chosen], clips.labels, sample_rate))
    return found[0], found[1]
