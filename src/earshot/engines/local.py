"""This process: decode ahead in threads, embed in batches, go on past failures."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from earshot.core.errors import EarShotError
from earshot.engines.task import Done, Task, reason

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

K = TypeVar("K")
N_WORKERS = max(2, os.cpu_count() or 1)  # decoding threads
AHEAD = 32  # sounds opened before their turn
POOL_WINDOWS = 32  # embedded in one go, sorted into batches by length ...
POOL_BYTES = 32_000_000  # ... or fewer, of this size
QUEUE_BYTES = 4_000_000  # of waveform decoded ahead per sound


def embed_each(
    tasks: Iterable[Task[K]], embedder: Embedder, *, n_workers: int = N_WORKERS
) -> Iterator[Done[K]]:
    """Every task with its embedding or its error, in the order given, in bounded memory.

    Threads decode what comes next and compute its log-mels while the model runs; windows of many
    sounds are embedded together. `tasks` is read as the work goes on and may be endless.
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
    digest: str = ""


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
        threading.Thread(target=_decode, args=(todo, stop, embedder), daemon=True)
        for _ in range(n_workers)
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


def _decode(
    todo: queue.Queue[_Sound[Any] | None], stop: threading.Event, embedder: Embedder
) -> None:
    """Decode one sound after another; sounds are taken in order, so the first is never starved."""
    import torch

    torch.set_num_threads(1)  # of this thread: others have the other cores
    while (sound := todo.get()) is not None:
        try:
            if sound.task.digest is not None:
                sound.digest = sound.task.digest()
            for window in sound.task.windows():
                prepared = embedder.prepare(window.waveform)
                if not _put(sound.windows, (window.start_s, window.end_s, prepared), stop):
                    return
            end = _End()
        except Exception as fault:  # one sound must not end a job over many: it is reported
            end = _End(reason(fault))
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
            start_s, end_s, prepared = item
            sound.start_s.append(start_s)
            sound.end_s.append(end_s)
            sound.n_waiting += 1
            self.pool.append((sound, prepared))
            self.pool_bytes += prepared.nbytes
            if len(self.pool) >= POOL_WINDOWS or self.pool_bytes >= POOL_BYTES:
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
            rows = self.embedder.embed_prepared([prepared for _, prepared in pool])
        except EarShotError:  # find out whose fault it is: the others must not suffer
            rows = [_row_or_error(self.embedder, sound, prepared) for sound, prepared in pool]
        for (sound, _), row in zip(pool, rows, strict=True):
            sound.rows.append(row)
            sound.n_waiting -= 1

    def finished(self) -> Iterator[Done[Any]]:
        """The sounds at the head of the order that are done."""
        from earshot.models.embedder import ClipEmbedding

        while self.order and not self.order[0].n_waiting:
            sound = self.order.popleft()
            if sound.error:
                yield Done(sound.task.key, None, sound.error, sound.digest)
                continue
            windows = np.stack(sound.rows).astype(np.float32, copy=False)
            starts, ends = np.array(sound.start_s), np.array(sound.end_s)
            embedding = ClipEmbedding(windows, starts, ends)
            yield Done(sound.task.key, embedding, digest=sound.digest)


def _row_or_error(embedder: Embedder, sound: _Sound[Any], prepared: np.ndarray) -> np.ndarray:
    """One window's row; a window that the model cannot take fails its sound alone."""
    try:
        return embedder.embed_prepared([prepared])[0]
    except EarShotError as fault:
        sound.error = sound.error or str(fault)
        return np.zeros(embedder.dim, np.float32)
