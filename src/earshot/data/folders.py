"""A folder of sounds; names of its subfolders are labels, or splits with labels below them."""

from __future__ import annotations

from pathlib import Path

from earshot.audio import find_audio
from earshot.data.clip import Clip
from earshot.data.clip_set import SAME_SPLIT, ClipSet

SPLIT_NAMES = frozenset(word for words in SAME_SPLIT for word in words)


def read_folder(folder: Path) -> ClipSet:
    """Every sound under `folder`, in order of path.

    `dog/a.wav` has the label "dog"; `train/dog/a.wav` has it in the split "train", when all first
    folders are named as splits. A sound right in the folder has no label. Underscores in a label
    become spaces.
    """
    parts = [(audio, audio.relative_to(folder).parts[:-1]) for audio in find_audio([folder])]
    tops = {part[0].lower() for _, part in parts if part}
    with_splits = bool(tops) and tops <= SPLIT_NAMES and all(part for _, part in parts)
    clips = []
    for audio, folders in parts:
        split = folders[0] if with_splits else None
        below = folders[1:] if with_splits else folders
        clips.append(
            Clip(
                audio,
                labels=(below[0].replace("_", " "),) if below else (),
                split=split,
                id=str(audio.relative_to(folder)),
            )
        )
    return ClipSet(clips, name=folder.resolve().name)
