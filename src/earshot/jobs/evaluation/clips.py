"""The clips of an evaluation: opened, those that the task can use, and their vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError, unknown_name
from earshot.engines import Task, embed_each
from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.prompts import check_labels

if TYPE_CHECKING:
    from earshot.audio import Window
    from earshot.data import Clip, ClipSet
    from earshot.models.embedder import Embedder

OTHER_TASK = {"labels": "retrieval", "captions": "zero-shot"}


@dataclass(frozen=True, eq=False)
class HeardClips:
    """Clips with their unit vectors; `groups` are the recordings that they were cut from."""

    name: str
    clips: list[Clip]
    sounds: NDArray[np.float32]  # [n, dim]
    groups: NDArray[np.str_]  # [n]
    failures: list[Failure]  # rows and sounds that could not be used

    @property
    def ids(self) -> list[str]:
        """What each clip is called, in order."""
        return [clip.id for clip in self.clips]

    @property
    def several(self) -> bool:
        """True when a clip has more than one label."""
        return any(len(set(clip.labels)) > 1 for clip in self.clips)


def open_set(data: str | Path | ClipSet, split: str | None = None) -> ClipSet:
    """A clip set, or the manifest or folder of that name; one split of it where asked."""
    from earshot.data import open_clips

    clips = open_clips(data, on_fault="skip") if isinstance(data, str | Path) else data
    return clips.split(split) if split else clips


def clips_with(clips: ClipSet, what: Literal["labels", "captions"]) -> list[Clip]:
    """The clips that have labels, or captions."""
    kept = [clip for clip in clips if getattr(clip, what)]
    if not kept:
        raise EarShotError(
            got=f"{clips.name}, in which no clip has {what}",
            expected=f"clips with {what}",
            mend=f"Name their column, or evaluate {OTHER_TASK[what]}.",
        )
    return kept


def candidate_labels(clips: Sequence[Clip], given: Sequence[str] | None = None) -> list[str]:
    """The labels to choose from, the clips' own if left out; one that a clip has must be there."""
    own = sorted({label for clip in clips for label in clip.labels})
    if given is None:
        return own
    names = check_labels(given)
    for label in own:
        if label not in names:
            raise unknown_name(
                "label of the data", label, names, mend="Add it to --labels, or leave them out."
            )
    return names


def hear(
    clips: ClipSet, kept: Sequence[Clip], embedder: Embedder, pace: Pace | None = None
) -> HeardClips:
    """The vectors of the clips of `clips` that were `kept`; refused when none can be read."""
    found, unread = embed_clips(kept, embedder, pace)
    if not found:
        raise EarShotError(
            got=f"{clips.name}, of which no sound could be used: {unread[0].error}",
            expected="sounds that can be read",
            mend="See what is wrong with them: earshot data check.",
        )
    return HeardClips(
        clips.name,
        [clip for clip, _ in found],
        np.stack([vector for _, vector in found]),
        np.array([recording_of(clip) for clip, _ in found]),
        [*row_failures(clips), *unread],
    )


def recording_of(clip: Clip) -> str:
    """What a clip was cut from: its group, else its file, else itself."""
    return clip.group or (str(clip.audio) if isinstance(clip.audio, Path) else clip.id)


def embed_clips(
    clips: Sequence[Clip], embedder: Embedder, pace: Pace | None = None
) -> tuple[list[tuple[Clip, np.ndarray]], list[Failure]]:
    """Every clip with its vector, and those that failed."""
    found, failures = [], []
    for done in embed_each((_task(clip, embedder) for clip in clips), embedder):
        if done.embedding is None:
            failures.append(Failure(Path(done.key.id), done.error))
        else:
            if pace is not None:
                pace.add(float(done.embedding.end_s[-1]))
            found.append((done.key, done.embedding.mean))
    return found, failures


def _task(clip: Clip, embedder: Embedder) -> Task[Clip]:
    """A clip as windows: whole files are streamed, excerpts are cut first."""

    def windows() -> Iterator[Window]:
        from earshot.audio import stream_windows

        whole = isinstance(clip.audio, Path) and not clip.start_s and clip.duration_s is None
        source = clip.audio if whole else clip.read(sample_rate=embedder.sample_rate)
        yield from stream_windows(
            source,
            sample_rate=embedder.sample_rate,
            window_s=embedder.window_s,
            hop_s=embedder.hop_s,
        )

    return Task(clip, windows)
