"""Recordings of spoken digits, each with what may have been said around the digit."""

from __future__ import annotations

from dataclasses import replace

from earshot.core.errors import EarShotError
from earshot.data.clip_set import ClipSet
from earshot.data.open import open_clips
from earshot.data.shared import need_shared_data

NAME = "fsdd"  # the Free Spoken Digit Dataset, or the part of it that is there
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = (
    "{digit}", "the number {digit}", "the digit {digit}", "someone says {digit}",
    "number {digit} please", "press {digit}", "channel {digit}", "count to {digit}",
)  # fmt: skip


def digit_clips(seed: int, *, n_train: int | None = None) -> ClipSet:
    """Splits "train" and "test": one speaker, by the seed, is in the test alone.

    The label is the digit's word; captions are sentences around it. `n_train` keeps so many clips
    for training, over digits and speakers alike. Raises EarShotError where EARSHOT_SHARED holds no
    such recordings.
    """
    folder = need_shared_data(NAME)
    clips = open_clips(folder / "manifest.csv")
    speakers = sorted({str(clip.extra.get("speaker", "")) for clip in clips})
    if len(speakers) < 2:
        raise EarShotError(
            got=f"{folder} with {len(speakers)} speakers",
            expected="a manifest.csv with path, digit and speaker, of two speakers at least",
            mend="Get the set again.",
        )
    held_out = speakers[seed % len(speakers)]
    told = []
    for clip in clips:
        digit = DIGITS[int(clip.extra["digit"])]
        speaker = str(clip.extra["speaker"])
        told.append(
            replace(
                clip,
                captions=tuple(template.format(digit=digit) for template in TEMPLATES),
                labels=(digit,),
                split="test" if speaker == held_out else "train",
                group=speaker,
            )
        )
    train = [clip for clip in told if clip.split == "train"]
    if n_train is not None and n_train < len(train):
        step = len(train) / n_train
        train = [train[int(i * step)] for i in range(n_train)]
    test = [clip for clip in told if clip.split == "test"]
    return ClipSet([*train, *test], name=NAME, labels=DIGITS)
