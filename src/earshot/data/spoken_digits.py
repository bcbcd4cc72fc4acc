"""Spoken digits as clips: the Free Spoken Digit Dataset, with one speaker kept for the test."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns
from earshot.data.open import open_clips
from earshot.data.shared import need_shared_data

NAME = "fsdd"  # the folder of the set, or of the part of it that is there
SAMPLE_RATE = 8_000  # Hz, of the recordings
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SENTENCES = (
    "{digit}", "the number {digit}", "the digit {digit}", "someone says {digit}",
    "number {digit} please", "press {digit}", "channel {digit}", "count to {digit}",
)  # fmt: skip


def digit_clips(seed: int, *, templates: tuple[str, ...] = ("{digit}",)) -> ClipSet:
    """Splits "train" and "test", in memory: one speaker, by the seed, is in the test alone.

    The label is the digit's word, the captions are the templates around it, the group is the
    speaker. Raises EarShotError where EARSHOT_SHARED holds no such recordings, or holds a set
    without speakers.
    """
    clips = _recordings(need_shared_data(NAME))
    names = sorted({str(clip.group) for clip in clips})
    unseen = names[seed % len(names)]
    told = [
        replace(
            clip,
            captions=tuple(template.format(digit=clip.labels[0]) for template in templates),
            split="test" if clip.group == unseen else "train",
        )
        for clip in clips
    ]
    return ClipSet(told, name=NAME, labels=DIGITS)


@lru_cache(maxsize=1)
def _recordings(folder: Path) -> tuple[Clip, ...]:
    """Every clip with its sound: many short files, read once a process."""
    clips = open_clips(
        folder / "manifest.csv", columns=Columns(label="transcript", group="speaker")
    )
    if len({clip.group for clip in clips}) < 2:
        raise EarShotError(
            got=f"{folder} without two speakers",
            expected="a manifest.csv with path, transcript and speaker, of two speakers at least",
            mend="Get the set again.",
        )
    return tuple(replace(clip, audio=clip.read(sample_rate=SAMPLE_RATE)) for clip in clips)
