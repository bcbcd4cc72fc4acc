"""One job over many sounds: decode ahead in threads, embed in batches, go on past failures."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.audio import Window
    from earshot.models.embedder import ClipEmbedding, Embedder

K = TypeVar("K")
T = TypeVar("T")
N_WORKERS = 2  # decoding threads
AHEAD = 16  # sounds opened before their turn
POOL_BYTES = 32_000_000  # of waveform embedded in one go, sorted into batches by length
QUEUE_BYTES = 8_000_000  # of waveform decoded ahead per sound


@dataclass(frozen=True)
class Failure:
    """A sound that could not be used, and why, in one sentence."""

    path: Path
    error: str


class Answers(list[T]):
    """One answer a sound, in the order asked; `failures` lists those without one."""

    def __init__(self, answers: Iterable[T] = (), failures: Iterable[Failure] = ()) -> None:
        super().__init__(answers)
        self.failures = list(failures)


@dataclass(frozen=True)
class Task(Generic[K]):
    """A sound to embed: what the caller knows it by, and how to open it as windows."""

    key: K
    windows: Callable[[], Iterable[Window]]


@dataclass(frozen=True)
class Done(Generic[K]):
    """A task with its embedding, or with the reason why there is none."""

    key: K
    embedding: ClipEmbedding | None
    error: str = ""


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


def file_task(path: Path, embedder: Embedder) -> Task[Path]:
    """The task of one file, read in the model's windows."""

    def windows() -> Iterable[Window]:
        from earshot.audio import stream_windows

        return stream_windows(
            path,
            sample_rate=embedder.sample_rate,
            window_s=embedder.window_s,
            hop_s=embedder.hop_s,
        )

    return Task(path, windows)


def embed_each(
    tasks: Iterable[Task[K]], embedder: Embedder, *, n_workers: int = N_WORKERS
) -> Iterator[Done[K]]:
    """Every task with its embedding or its error, in the order given, in bounded memory.

    Threads decode what comes next while the model runs; windows of many sounds are embedded
    together. `tasks` is read as the work goes on and may be endless.
    """
    runner = _Runner(embedder)
    decoded = _decode_ahead(tasks, embedder, n_workers)
    try:
        for each in decoded:
            runner.take(each)
            yield from runner.finished()
        runner.flush()
        yield from runner.finished()
    finally:
        decoded.close()


@dataclass
class _Sound(Generic[K]):
    """A task under way: its windows as they are decoded and embedded."""

    task: Task[K]
    windows: queue.Queue[Any]
    rows: list[np.ndarray] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)
    end_s: list[float] = field(default_factory=list)
    n_waiting: int = 0  # windows decoded but not embedded
    error: str = ""


class _End:
    """What closes a sound's queue: the error, or none."""

    def __init__(self, error: str = "") -> None:
        self.error = error


def _decode_ahead(
    tasks: Iterable[Task[K]], embedder: Embedder, n_workers: int
) -> Iterator[_Sound[K]]:
    """Sounds in order, each being decoded by a thread into its own short queue."""
    window_bytes = max(1, round(embedder.window_s * embedder.sample_rate * 4))
    depth = max(2, QUEUE_BYTES // window_bytes)
    todo: queue.Queue[_Sound[K] | None] = queue.Queue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_decode, args=(todo, stop), daemon=True) for _ in range(n_workers)
    ]
    for thread in threads:
        thread.start()
    source, opened = iter(tasks), deque[_Sound[K]]()
    try:
        while True:
            for task in itertools.islice(source, AHEAD - len(opened)):
                sound = _Sound(task, queue.Queue(maxsize=depth))
                opened.append(sound)
                todo.put(sound)
            if not opened:
                return
            yield opened.popleft()
    finally:
        stop.set()
        for _ in threads:
            todo.put(None)
        for thread in threads:
            thread.join()


def _decode(todo: queue.Queue[_Sound[Any] | None], stop: threading.Event) -> None:
    """Decode one sound after another; sounds are taken in order, so the first is never starved."""
    while (sound := todo.get()) is not None:
        try:
            for window in sound.task.windows():
                if not _put(sound.windows, window, stop):
                    return
            end = _End()
        except EarShotError as fault:
            end = _End(str(fault))
        except OSError as fault:
            end = _End(f"got {fault.strerror or fault}; expected a file that can be read.")
        except Exception as fault:  # one sound must not end a job over many: it is reported
            end = _End(f"could not be decoded: {type(fault).__name__}: {fault}")
        if not _put(sound.windows, end, stop):
            return


def _put(windows: queue.Queue[Any], item: object, stop: threading.Event) -> bool:
    """Queue `item`, waiting for room; False when the job was given up."""
    while not stop.is_set():
        try:
            windows.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


class _Runner:
    """Pools windows of many sounds, embeds them, and hands sounds back in order."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.pool: list[tuple[_Sound[Any], np.ndarray]] = []
        self.pool_bytes = 0
        self.order: deque[_Sound[Any]] = deque()

    def take(self, sound: _Sound[Any]) -> None:
        """Pool all windows of `sound`, embedding whenever the pool is full."""
        self.order.append(sound)
        while not isinstance(item := sound.windows.get(), _End):
            sound.start_s.append(item.start_s)
            sound.end_s.append(item.end_s)
            sound.n_waiting += 1
            self.pool.append((sound, item.waveform))
            self.pool_bytes += item.waveform.nbytes
            if self.pool_bytes >= POOL_BYTES:
                self.flush()
        sound.error = sound.error or item.error
        if not sound.error and not sound.start_s:
            sound.error = "got a sound without a single window; expected some sound."

    def flush(self) -> None:
        """Embed what is pooled."""
        if not self.pool:
            return
        pool, self.pool, self.pool_bytes = self.pool, [], 0
        try:
            rows = self.embedder.embed_waveforms([waveform for _, waveform in pool])
        except EarShotError:  # find out whose fault it is: the others must not suffer
            rows = [_row_or_error(self.embedder, sound, waveform) for sound, waveform in pool]
        for (sound, _), row in zip(pool, rows, strict=True):
            sound.rows.append(row)
            sound.n_waiting -= 1

    def finished(self) -> Iterator[Done[Any]]:
        """The sounds at the head of the order that are done."""
        from earshot.models.embedder import ClipEmbedding

        while self.order and not self.order[0].n_waiting:
            sound = self.order.popleft()
            if sound.error:
                yield Done(sound.task.key, None, sound.error)
                continue
            windows = np.stack(sound.rows).astype(np.float32, copy=False)
            starts, ends = np.array(sound.start_s), np.array(sound.end_s)
            yield Done(sound.task.key, ClipEmbedding(windows, starts, ends))


def _row_or_error(embedder: Embedder, sound: _Sound[Any], waveform: np.ndarray) -> np.ndarray:
    """One window's row; a window that the model cannot take fails its sound alone."""
    try:
        return embedder.embed_waveforms([waveform])[0]
    except EarShotError as fault:
        sound.error = sound.error or str(fault)
        return np.zeros(embedder.dim, np.float32)
