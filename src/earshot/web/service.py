"""What the routes share: libraries, models, threads, temporary files and figures."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from earshot.core.errors import EarShotError, unknown_name
from earshot.web.faults import NotHere
from earshot.web.library import IndexedSound, Library
from earshot.web.limits import Limits
from earshot.web.meter import Meter
from earshot.web.model import SharedModel
from earshot.web.pictures import Pictures
from earshot.web.playback import Rewriter

T = TypeVar("T")
N_DECODERS, N_READERS = 4, 8  # readers wait for the store far more than they compute


class Service:
    """One server's state; made before the first request, closed after the last."""

    def __init__(self, libraries: Sequence[Library], limits: Limits) -> None:
        if not libraries:
            raise EarShotError(
                got="no index", expected="at least one", mend="Run: earshot index DIR"
            )
        self.libraries = {library.name: library for library in libraries}
        self.limits, self.meter, self.pictures = limits, Meter(), Pictures()
        self.started = time.monotonic()
        self._temporary = tempfile.TemporaryDirectory(prefix="earshot-serve-")
        self.folder = Path(self._temporary.name)
        self.rewriter = Rewriter(self.folder)
        self._worker = ThreadPoolExecutor(1, "earshot-model")
        self._stores = ThreadPoolExecutor(N_READERS, "earshot-store")
        self._decoders = ThreadPoolExecutor(N_DECODERS, "earshot-decode")
        self.models = {name: self._shared(library) for name, library in self.libraries.items()}
        self._kept: dict[tuple[str, str], tuple[int, asyncio.Task[Any]]] = {}

    def library(self, name: str | None) -> Library:
        """The library called `name`, or the first."""
        if name is None:
            return next(iter(self.libraries.values()))
        if name not in self.libraries:
            raise unknown_name("model", name, self.libraries)
        return self.libraries[name]

    def model(self, library: Library) -> SharedModel:
        """The model of a library, shared by all requests."""
        return self.models[library.name]

    async def read(self, job: Callable[..., T], *args: Any) -> T:
        """Run a job on a store, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._stores, job, *args)

    async def decode(self, job: Callable[..., T], *args: Any) -> T:
        """Run a job on a sound, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, job, *args)

    async def once(self, library: Library, what: str, job: Callable[[], T]) -> T:
        """What `job` makes of a library, made once for all who ask until the index changes."""
        key = (library.name, what)
        version = await self.read(library.read, lambda store: store.version)
        kept = self._kept.get(key)
        if kept is None or kept[0] != version or _failed(kept[1]):
            kept = (version, asyncio.ensure_future(self.decode(job)))
            self._kept[key] = kept
        return await asyncio.shield(kept[1])

    async def sound(self, sound_id: str) -> IndexedSound:
        """The sound that an id of ours stands for."""
        library, file_id = self.holder(sound_id)
        return await self.read(library.sound, file_id)

    def holder(self, sound_id: str) -> tuple[Library, str]:
        """A library of the folder that an id's sound lies in, and the id that its store uses."""
        place, _, file_id = sound_id.partition("-")
        for library in self.libraries.values():
            if library.place == int(place):
                return library, file_id
        raise NotHere(
            got=f"the sound id {sound_id!r}",
            expected="the id of a sound that is served here",
            mend="Search again.",
        )

    def close(self) -> None:
        """Let the threads end and take the temporary files away."""
        for pool in (self._worker, self._stores, self._decoders):
            pool.shutdown(wait=True, cancel_futures=True)
        self._temporary.cleanup()

    def _shared(self, library: Library) -> SharedModel:
        def on_pass(kind: str, n_items: int) -> None:
            self.meter.batches.labels(library.name, kind).observe(n_items)

        return SharedModel(
            library.embedder,
            self._worker,
            self._decoders,
            max_waiting=self.limits.max_waiting,
            on_pass=on_pass,
        )


def sound_id(library: Library, file_id: str) -> str:
    """The id that clients know a sound by: of its folder and its path, whatever the model."""
    return f"{library.place}-{file_id}"


def _failed(task: asyncio.Future[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
