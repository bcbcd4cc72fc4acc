"""One sound to embed, and what came of it: the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from earshot.core.errors import EarShotError
from earshot.core.urls import is_url
from earshot.engines.urls import fetch

if TYPE_CHECKING:
    from earshot.audio import Window
    from earshot.models.embedder import ClipEmbedding, Embedder

K = TypeVar("K")


@dataclass(frozen=True)
class Task(Generic[K]):
    """A sound to embed: what the caller knows it by, and how to open it as windows.

    `digest` tells what the sound's bytes hash to; it is called before they are decoded. Engines of
    several processes send both callables to where they run, so neither may hold on to much.
    """

    key: K
    windows: Callable[[], Iterable[Window]]
    digest: Callable[[], str] | None = None


@dataclass(frozen=True)
class Done(Generic[K]):
    """A task with its embedding, or with the reason why there is none."""

    key: K
    embedding: ClipEmbedding | None
    error: str = ""
    digest: str = ""


@dataclass(frozen=True)
class FileWindows:
    """Calling it reads a file, or an object behind a URL, in a model's windows."""

    source: Path | str
    sample_rate: int
    window_s: float
    hop_s: float

    def __call__(self) -> Iterator[Window]:
        """The windows, decoded as they are asked for."""
        from earshot.audio import stream_windows

        source = fetch(self.source) if is_url(self.source) else self.source
        yield from stream_windows(
            source, sample_rate=self.sample_rate, window_s=self.window_s, hop_s=self.hop_s
        )


def windows_of(source: Path | str, embedder: Embedder) -> FileWindows:
    """The file's windows as the model reads them."""
    return FileWindows(source, embedder.sample_rate, embedder.window_s, embedder.hop_s)


def file_task(source: Path | str, embedder: Embedder) -> Task[Path | str]:
    """The task of one file or URL, known by its name."""
    return Task(source, windows_of(source, embedder))


def reason(fault: Exception) -> str:
    """Why a sound could not be used, in a sentence; one sound must not end a job over many."""
    if isinstance(fault, EarShotError):
        return str(fault)
    if isinstance(fault, OSError):
        return f"got {fault.strerror or fault}; expected a file that can be read."
    return f"could not be decoded: {type(fault).__name__}: {fault}"
