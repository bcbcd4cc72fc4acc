"""Copies of sounds that lie on object storage, so that a page can play them."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.engines.urls import facts_of_url, fetch
from earshot.web.faults import NotHere

if TYPE_CHECKING:
    from earshot.web.library import IndexedSound

Facts = tuple[int, int]  # bytes, nanoseconds of the last change
MAX_BYTES = 2_000_000_000  # of all copies; the ones asked for last stay


class FetchedSounds:
    """Keeps the last sounds that were asked for in a folder that goes with this object."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._folder = tempfile.TemporaryDirectory(prefix="earshot-")
        self._held: OrderedDict[str, tuple[Facts, Path]] = OrderedDict()
        self._lock = threading.Lock()

    def copy_of(self, sound: IndexedSound) -> IndexedSound:
        """The sound with the path of a copy of it, as its storage holds it now.

        Sounds are fetched side by side: a large one keeps nobody from another. Raises NotHere when
        the storage has it no longer.
        """
        url = str(sound.path)
        try:
            facts = facts_of_url(url)
            path = self._held_copy(url, facts) or self._keep(url, facts, fetch(url))
        except (EarShotError, OSError) as fault:
            raise NotHere(
                got=f"{sound.shown}, which cannot be fetched",
                expected="the sound that was indexed",
                mend="Bring the index up to date with `earshot index`.",
            ) from fault
        return replace(sound, path=path)

    def _held_copy(self, url: str, facts: Facts) -> Path | None:
        with self._lock:
            held = self._held.get(url)
            if held is None or held[0] != facts:
                return None
            self._held.move_to_end(url)
            return held[1]

    def _keep(self, url: str, facts: Facts, data: bytes) -> Path:
        """Write a copy under a name of its own, so that an older one can be played to its end."""
        suffix = PurePosixPath(url.partition("?")[0]).suffix
        name = hashlib.sha256(f"{url} {facts}".encode()).hexdigest()[:24]
        path = Path(self._folder.name) / f"{name}{suffix}"
        with self._lock:
            path.write_bytes(data)
            before = self._held.pop(url, None)
            if before is not None and before[1] != path:
                before[1].unlink(missing_ok=True)
            self._held[url] = facts, path
            self._make_room()
        return path

    def _make_room(self) -> None:
        """Forget the copies asked for longest ago, but never the newest."""
        sizes = {url: path.stat().st_size for url, (_, path) in self._held.items()}
        while sum(sizes.values()) > self.max_bytes and len(sizes) > 1:
            url, (_, path) = self._held.popitem(last=False)
            path.unlink(missing_ok=True)
            del sizes[url]
