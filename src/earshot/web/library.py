"""A library: one index with the model that made it, as the requests of many clients use it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.urls import below
from earshot.index import Store
from earshot.index.hybrid import Found, find
from earshot.index.place import Root
from earshot.index.rows import true_path
from earshot.web.faults import NotAllowed, NotHere
from earshot.web.fetched import FetchedSounds

if TYPE_CHECKING:
    from earshot.index.found_rows import Rows
    from earshot.models.embedder import Embedder

T = TypeVar("T")
REFRESH_S = 2.0  # how old an answer may be when another process writes the index
MAX_KNOWN = 4_096  # sounds remembered by id


@dataclass(frozen=True)
class IndexedSound:
    """A sound of the index, found by its id; `path` is checked to lie under the index's root."""

    name: str  # relative to the root, as Python's file functions take it
    shown: str  # the same as text for people
    path: Path | str  # a string where it is a URL
    duration_s: float


class Library:
    """Reads one index; every method blocks and may be called from any thread."""

    def __init__(self, store: Store, embedder: Embedder, *, name: str, place: int = 0) -> None:
        self.store, self.embedder, self.name = store, embedder, name
        self.place = place  # libraries of the same folder of sounds share it
        self._fetched = FetchedSounds()
        self._refreshing = threading.Lock()
        self._checked = time.monotonic()
        self._known: dict[tuple[int, str], IndexedSound] = {}  # by the index's version and id
        self._counts = (-1, 0, 0)  # the index's version, its sounds and windows

    @property
    def root(self) -> Root:
        """The folder that the sounds lie in, or its URL."""
        return self.store.root

    def read(self, job: Callable[[Store], T]) -> T:
        """What `job` reads from the index, of its latest version at most REFRESH_S ago."""
        is_old = time.monotonic() - self._checked > REFRESH_S
        if is_old and self._refreshing.acquire(blocking=False):  # one thread does, for all
            try:
                self.store.refresh()
                self._checked = time.monotonic()
            finally:
                self._refreshing.release()
        return job(self.store)

    def counts(self) -> tuple[int, int]:
        """Sounds and windows in the index; counted once until it changes."""
        version = self.read(lambda store: store.version)
        if self._counts[0] != version:
            n_files, n_rows = self.read(lambda store: (store.n_files, store.n_rows))
            self._counts = (version, n_files, n_rows)
        return self._counts[1:]

    def search(
        self,
        vector: np.ndarray,
        *,
        words: Sequence[str] = (),
        k: int = 10,
        where: str | None = None,
        without: str | None = None,
    ) -> Found:
        """The `k` best sounds for a unit vector [dim] and the query's words; see index.hybrid.

        Raises EarShotError for a filter that cannot be run, be it spelt wrong or dividing by zero.
        """
        try:
            return self.read(
                lambda store: find(store, vector, words=words, k=k, where=where, without=without)
            )
        except RuntimeError as fault:
            if where is None:
                raise
            raise EarShotError(
                got="a filter that cannot be run on these sounds",
                expected="a condition that is true or false for every sound",
                mend="Write it like duration_s > 3.",
            ) from fault

    def vector_of(self, file_id: str, start_s: float | None) -> np.ndarray | None:
        """The unit vector [dim] of a sound's window at `start_s`, or of all of it; None if unknown.

        The window is the one that begins nearest.
        """
        rows = self.read(lambda store: store.rows_of_files([file_id]))
        if not len(rows.vectors):
            return None
        if start_s is not None:
            starts = rows.table["start_s"].to_numpy()
            return rows.vectors[int(np.argmin(np.abs(starts - start_s)))]
        mean = rows.vectors.mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)

    def sound(self, file_id: str) -> IndexedSound:
        """A sound of the index, as a file of this machine.

        Only names that the index holds lead to files, and only under root.

        Raises NotHere when the index has no such sound or its file is gone, NotAllowed when a link
        leads out of the indexed folder.
        """
        known = self.known(file_id)
        if isinstance(known.path, str):
            return self._fetched.copy_of(known)
        real = os.path.realpath(known.path)
        if not Path(real).is_relative_to(os.path.realpath(str(self.root))):
            raise NotAllowed(
                got=f"{known.shown}, a link that leads out of the indexed folder",
                expected="a file inside it",
                mend="Copy the file there, or serve an index of the folder that holds it.",
            )
        if not Path(real).is_file():
            raise NotHere(
                got=f"{known.shown}, which is no longer there",
                expected="the file that was indexed",
                mend="Bring the index up to date with `earshot index`.",
            )
        return known

    def known(self, file_id: str) -> IndexedSound:
        """What the index holds of a sound, whether its file is there or not.

        Raises NotHere when the index has no such sound.
        """
        key = (self.read(lambda store: store.version), file_id)
        known = self._known.get(key)
        if known is None:
            known = self._look_up(file_id)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def _look_up(self, file_id: str) -> IndexedSound:
        rows = self.read(lambda store: store.rows_of_files([file_id]))
        if not len(rows.vectors):
            raise NotHere(
                got=f"the sound id {file_id!r}",
                expected="the id of a sound in the index",
                mend="Search again: the index may have changed.",
            )
        return _sound(self.root, rows.table.slice(0, 1).to_pylist()[0])


def _sound(root: Root, row: dict[str, Any]) -> IndexedSound:
    name = true_path(row["path"], row["path_bytes"])
    return IndexedSound(name, row["path"], below(root, name), row["duration_s"])


def first_windows(store: Store, max_rows: int) -> tuple[Rows, float]:
    """Each sound's first row, and how many sounds of the index each stands for.

    All of them, or of an index too large for that those that `store.background` drew.
    """
    n_files = store.n_files
    if n_files <= max_rows and store.is_exact:
        return store.all_rows("window = 0"), 1.0
    sample = store.background()
    is_first = np.flatnonzero(sample.table["window"].to_numpy() == 0)
    rows = type(sample)(sample.vectors[is_first], sample.table.take(is_first))
    return rows, n_files / max(len(is_first), 1)
