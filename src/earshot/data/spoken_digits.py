"""Spoken digits as clips: the Free Spoken Digit Dataset, with one speaker kept for the test."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from earshot.core.errors import EarShotError, unknown_name
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns
from earshot.data.open import open_clips

SAMPLE_RATE = 8_000  # Hz, of the recordings


def digit_clips(folder: Path, unseen: str) -> ClipSet:
    """Splits "train" and "test", in memory; the label and the caption of a clip are its word.

    folder holds a manifest with the columns transcript and speaker; all clips of `unseen`, and
    no others, are the test. Raises EarShotError when these columns or that speaker are not there.
    """
    clips = _recordings(folder)
    names = speakers(folder)
    if unseen not in names:
        raise unknown_name("speaker", unseen, names)
    parted = [
        replace(clip, split="test" if clip.extra["speaker"] == unseen else "train")
        for clip in clips
    ]
    return ClipSet(parted, name="spoken digits")


def speakers(folder: Path) -> tuple[str, ...]:
    """Names of the speakers, sorted."""
    return tuple(sorted({clip.extra["speaker"] for clip in _recordings(folder)}))


@lru_cache(maxsize=1)
def _recordings(folder: Path) -> tuple[Clip, ...]:
    """Every clip with its sound: many short files, read once a process."""
    clips = open_clips(folder, columns=Columns(caption="transcript", label="transcript"))
    if any("speaker" not in clip.extra for clip in clips):
        raise EarShotError(
            got=f"{folder} without a column speaker",
            expected="the manifest of the Free Spoken Digit Dataset: path, transcript, speaker",
            mend="Add the column.",
        )
    return tuple(
        replace(clip, audio=clip.read(sample_rate=SAMPLE_RATE), captions=clip.labels)
        for clip in clips
    )
