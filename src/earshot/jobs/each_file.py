"""What jobs over many sounds say of them: answers in order, failures apart, the pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from earshot.core.errors import EarShotError
from earshot.engines.task import reason
from earshot.engines.urls import find_sounds

T = TypeVar("T")


class Heard(Protocol):
    """An answer that knows how long its sound is."""

    @property
    def duration_s(self) -> float:
        """Seconds of sound."""


H = TypeVar("H", bound=Heard)


@dataclass(frozen=True)
class Failure:
    """A sound that could not be used, and why, in one sentence."""

    path: Path | str  # a string where it is a URL
    error: str


class Answers(list[T]):
    """One answer a sound, in the order asked; `failures` lists those without one."""

    def __init__(self, answers: Iterable[T] = (), failures: Iterable[Failure] = ()) -> None:
        super().__init__(answers)
        self.failures = list(failures)


@dataclass
class Pace:
    """Seconds of sound done and the time they took, for people."""

    started: float = field(default_factory=time.monotonic)
    audio_s: float = 0.0
    n_files: int = 0

    def start(self) -> None:
        """Begin to count now: the model is loaded, the work begins."""
        self.started = time.monotonic()

    def add(self, duration_s: float) -> None:
        """Count one more sound."""
        self.audio_s += duration_s
        self.n_files += 1

    def __str__(self) -> str:
        wall_s = max(time.monotonic() - self.started, 1e-9)
        speed = self.audio_s / wall_s
        return (
            f"{self.n_files} files, {self.audio_s:.0f} s of sound in {wall_s:.1f} s: "
            f"{speed:.0f} x real time"
        )


def one_by_one(
    files: Iterable[str | Path],
    work: Callable[[Path | str], H],
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
) -> Iterator[H | Failure]:
    """`work(path)` of each sound as it is ready, in order, without those to skip.

    Folders are walked. A sound that cannot be used gives a Failure, and the others go on.
    """
    if pace is not None:
        pace.start()
    for path in find_sounds(files):
        if skip(path):
            continue
        try:
            done = work(path)
        except (EarShotError, OSError) as fault:
            yield Failure(path, reason(fault))
            continue
        if pace is not None:
            pace.add(done.duration_s)
        yield done


def collected(answers: Iterable[T | Failure]) -> Answers[T]:
    """The answers, with the failures apart."""
    found: Answers[T] = Answers()
    for answer in answers:
        if isinstance(answer, Failure):
            found.failures.append(answer)
        else:
            found.append(answer)
    return found
