"""Frames of sounds, one sound after another, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from earshot.engines.task import Done, Task, reason

if TYPE_CHECKING:
    from earshot.models.frame_reader import FrameReader

K = TypeVar("K")


def read_each(tasks: Iterable[Task[K]], reader: FrameReader) -> Iterator[Done[K]]:
    """Every task with its positions or its error, in the order given."""
    for task in tasks:
        digest = "" if task.digest is None else task.digest()
        try:
            yield Done(task.key, reader.read_windows(task.windows()), digest=digest)
        except Exception as fault:  # one sound must not end a job over many: it is reported
            yield Done(task.key, None, reason(fault), digest)
