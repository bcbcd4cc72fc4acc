"""Which clips a probe learns from and which it is tested on, so that no recording is in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.data import ClipSet
from earshot.jobs.evaluation.clips import HeardClips, recording_of

if TYPE_CHECKING:
    from earshot.data import Clip

N_FOLDS = 5

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Turn:
    """One training and its test, as rows of the clips."""

    name: str
    train: Rows
    test: Rows


def turns_of(
    heard: HeardClips, n_folds: int | None = None, seed: int = 0
) -> tuple[str, list[Turn]]:
    """How the clips are parted, in words, and the turns.

    `n_folds` drawn folds where given; else the folds of the data's own `fold` column; else its
    splits, training ("train" and "val") against "test"; else five drawn folds. Drawn folds keep
    recordings whole and labels balanced. Raises when the data's own parts share a recording.
    """
    clips = heard.clips
    if n_folds is None:
        folds = [str(clip.extra.get("fold", "")) for clip in clips]
        if "" not in folds and len(set(folds)) > 1:
            return _checked("the folds of the data", heard, _turns(folds))
        splits = _split_rows(heard)
        if splits is not None:
            return _checked("train and test of the data", heard, [splits])
    drawn = drawn_folds(clips, n_folds or N_FOLDS, seed)
    return f"{len(set(drawn))} drawn folds", _turns(drawn)


def drawn_folds(clips: Sequence[Clip], n: int, seed: int = 0) -> list[str]:
    """The fold of each clip, of `n` or of as many as there are recordings."""
    n_recordings = len({recording_of(clip) for clip in clips})
    if n < 2 or n_recordings < 2:
        raise EarShotError(
            got=f"{n} folds of {n_recordings} recordings",
            expected="two or more of both",
            mend="Give clips of several recordings, and --folds 5.",
        )
    parts = ClipSet(clips).folds(min(n, n_recordings), seed, by=recording_of)
    fold_of = {id(clip): part.name for part in parts for clip in part.held_out}
    return [fold_of[id(clip)] for clip in clips]


def _turns(folds: Sequence[str]) -> list[Turn]:
    array = np.array(folds)
    return [
        Turn(name, np.flatnonzero(array != name), np.flatnonzero(array == name))
        for name in sorted(set(folds), key=lambda name: (len(name), name))
    ]


def _split_rows(heard: HeardClips) -> Turn | None:
    """Training and test clips by the words that the set uses for them."""
    whole = ClipSet(heard.clips)
    row_of = {id(clip): row for row, clip in enumerate(heard.clips)}
    parts = {}
    for name in ("train", "val", "test"):
        try:
            parts[name] = [row_of[id(clip)] for clip in whole.split(name)]
        except EarShotError:
            parts[name] = []
    if not parts["train"] or not parts["test"]:
        return None
    return Turn("test", np.array(parts["train"] + parts["val"]), np.array(parts["test"]))


def _checked(how: str, heard: HeardClips, turns: list[Turn]) -> tuple[str, list[Turn]]:
    for turn in turns:
        shared = set(heard.groups[turn.train]) & set(heard.groups[turn.test])
        if shared:
            raise EarShotError(
                got=f"{heard.name}, where {how} have {len(shared)} recordings on both sides, such "
                f"as {min(shared)}",
                expected="each recording in one part",
                mend="Correct that column, or have folds drawn: --folds 5.",
            )
    return how, turns
