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

MAX_BYTES = 2_000_000_000  # of all copies; the ones asked for last stay


class FetchedSounds:
    """Keeps the last sounds that were asked for in a folder that goes with this object."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._folder = tempfile.TemporaryDirectory(prefix="earshot-")
        self._held: OrderedDict[str, tuple[tuple[int, int], Path]] = OrderedDict()
        self._lock = threading.Lock()

    def copy_of(self, sound: IndexedSound) -> IndexedSound:
        """The sound with the path of a copy of it, as its storage holds it now.

        Raises NotHere when the storage has it no longer.
        """
        url = str(sound.path)
        with self._lock:
            try:
                facts = facts_of_url(url)
                before = self._held.pop(url, None)
                if before is None or before[0] != facts:
                    before = facts, self._fetch(url)
            except (EarShotError, OSError) as fault:
                raise NotHere(
                    got=f"{sound.shown}, which cannot be fetched",
                    expected="the sound that was indexed",
                    mend="Bring the index up to date with `earshot index`.",
                ) from fault
            self._held[url] = before
            self._make_room()
            return replace(sound, path=before[1])

    def _fetch(self, url: str) -> Path:
        suffix = PurePosixPath(url.partition("?")[0]).suffix
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        path = Path(self._folder.name) / f"{name}{suffix}"
        path.write_bytes(fetch(url))
        return path

    def _make_room(self) -> None:
        """Forget the copies asked for longest ago, but never the newest."""
        sizes = {url: path.stat().st_size for url, (_, path) in self._held.items()}
        while sum(sizes.values()) > self.max_bytes and len(sizes) > 1:
            url, (_, path) = self._held.popitem(last=False)
            path.unlink(missing_ok=True)
            del sizes[url]
