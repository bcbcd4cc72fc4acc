"""Keep an index up to date while its folder changes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.core.urls import is_url
from earshot.engines import Engine, embed_each
from earshot.jobs.indexing import IndexReport, index
from earshot.jobs.loading import as_embedder

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

EVERY_S = 5.0
MOST_RESTLESS = 12  # looks at a folder that changes all the time before it is indexed as it stands

Place = str | Path


def watch(
    folder: Place,
    *,
    every_s: float = EVERY_S,
    model: Place | Embedder = "earshot-small",
    index_at: Place | None = None,
    data: Place | None = None,
    on_file: Callable[[int, int], None] | None = None,
    engine: Engine = embed_each,
) -> Iterator[IndexReport | EarShotError]:
    """Index `folder` now and whenever it has changed; the report of each run, without an end.

    Every `every_s` seconds names, sizes and times are looked at, nothing else. A change is indexed
    once the folder looks the same twice, so that files being copied are not taken half, or after
    12 looks if it never rests. Files that failed are tried again with the next change. What goes
    wrong with the first run is raised; later on (a full disk, another writer) it is handed out,
    and tried again at the next look.
    """
    if not every_s > 0:
        raise EarShotError(
            got=f"every_s={every_s:g}", expected="seconds, above 0", mend="Take 5, say."
        )
    if is_url(folder):
        raise EarShotError(
            got=f"--watch of {folder}",
            expected="a folder of this machine",
            mend="Run `earshot index` from time to time: it takes in only what changed.",
        )
    embedder = as_embedder(model)

    def run() -> IndexReport:
        return index(
            folder, model=embedder, index=index_at, data=data, on_file=on_file, engine=engine
        )

    indexed = seen = state_of(Path(folder), data)
    n_restless = 0
    yield run()
    while True:
        time.sleep(every_s)
        state = state_of(Path(folder), data)
        if state == indexed:
            n_restless = 0
        elif state == seen or n_restless >= MOST_RESTLESS:
            try:
                yield run()
            except EarShotError as fault:
                yield fault
            else:
                indexed, n_restless = state, 0
        else:
            n_restless += 1
        seen = state


def state_of(folder: Path, data: Place | None = None) -> str:
    """What changes when a sound of the folder, or the manifest, is added, changed or removed."""
    from earshot.audio import find_audio

    digest = hashlib.sha256()
    paths = iter([Path(data)] if data is not None else [])
    for group in (paths, find_audio([folder])):
        for path in group:
            digest.update(os.fsencode(path) + b"\0")
            try:
                facts = path.stat()
            except OSError:
                continue
            digest.update(f"{facts.st_size} {facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()
