"""Recordings that a claim may train on: where they lie, and what to do where they do not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.data.clip_set import ClipSet
from earshot.data.open import open_clips

VARIABLE = "EARSHOT_SHARED"  # the folder of the sets, or the one whose `data` holds them


def shared_data(name: str) -> Path | None:
    """The folder of the set `name`; None where EARSHOT_SHARED is not set or does not hold it."""
    root = os.environ.get(VARIABLE, "")
    if not root:
        return None
    places = (Path(root) / "data" / name, Path(root) / name)
    return next((place for place in places if is_folder(place)), None)


def need_shared_data(name: str) -> Path:
    """The folder of the set `name`, or an EarShotError that says how to supply it."""
    folder = shared_data(name)
    if folder is None:
        raise EarShotError(
            got=f"no recordings {name!r}",
            expected=f"a folder {name} with a manifest.csv in it",
            mend=f"Set the environment variable {VARIABLE} to the folder that holds it.",
        )
    return folder


def shared_folds(name: str, test_fold: str) -> ClipSet:
    """The set `name` with the clips of `test_fold` as its test split and the others as train."""
    clips = open_clips(need_shared_data(name))
    turn = next((fold for fold in clips.folds() if fold.name == test_fold), None)
    if turn is None:
        raise EarShotError(
            got=f"fold {test_fold!r} of {name}",
            expected=f"one of {', '.join(fold.name for fold in clips.folds())}",
            mend="Name one of these.",
        )
    split = [replace(clip, split="train") for clip in turn.train]
    split += [replace(clip, split="test") for clip in turn.held_out]
    return ClipSet(split, name=name, labels=clips.labels)
