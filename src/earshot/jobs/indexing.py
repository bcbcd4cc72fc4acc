"""Index a folder: embed what is new or changed, forget what is gone, commit as it goes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.engines import Done, Engine, FileWindows, Task, embed_each
from earshot.engines.task import windows_of
from earshot.index import FileRows, IndexSettings, KnownFile, Store, place_index
from earshot.index.connection import writing
from earshot.index.outdated import drop_outdated
from earshot.index.place import named_root, root_word
from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.sound_folder import Found, hash_of, size_and_time, walk

if TYPE_CHECKING:
    from earshot.audio import Window
    from earshot.models.embedder import Embedder

COMMIT_WINDOWS = 4_096  # at most this many windows of finished files wait for their commit
COMMIT_S = 20.0  # and no longer than this: what a kill costs


@dataclass
class IndexReport:
    """What indexing did; `failures` are the files that could not be used."""

    index: str
    model: str
    fingerprint: str
    added: int = 0
    changed: int = 0
    reused: int = 0  # moved, copied or only touched: the same bytes, not embedded again
    unchanged: int = 0
    removed: int = 0
    failures: list[Failure] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    stats: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """What people say of a file."""

    tags: tuple[str, ...] = ()
    caption: str = ""


def index(
    folder: str | Path,
    *,
    model: str | Path | Embedder = "earshot-small",
    index: str | Path | None = None,
    data: str | Path | None = None,
    on_file: Callable[[int, int], None] | None = None,
    engine: Engine = embed_each,
) -> IndexReport:
    """Index the sounds of `folder`, so that they can be searched; again to bring it up to date.

    `folder` is a path or the URL of a place on object storage. The index lies in FOLDER/.earshot,
    for a URL in the user's cache, or where `index` says, which may be a URL, too. `data` is a
    manifest whose labels and captions become words to search. `on_file(n_done, n_todo)` is called
    after every file embedded.
    Files that fail are listed in the report and tried again the next time. Killed at any moment,
    the index keeps every file that was committed, whole, and the next run does the rest.
    """
    from earshot.jobs.loading import as_embedder

    root = named_root(folder)
    if data is not None and isinstance(root, str):
        raise EarShotError(
            got=f"--data {data} for sounds at {root}",
            expected="a manifest of files on this machine",
            mend="Leave --data out; names and folders of the sounds are searched by words anyway.",
        )
    found = walk(root)
    first = next(found, None)  # no such folder is told before the model is loaded
    embedder = as_embedder(model)
    place = place_index(root, index)
    settings = IndexSettings(
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        dim=embedder.dim,
        window_s=embedder.window_s,
        hop_s=embedder.hop_s,
        root=root_word(root, place),
        precision=embedder.precision,
    )
    report = IndexReport(place, embedder.name, embedder.fingerprint)
    about = read_about(Path(data), report.failures) if data is not None else None
    with writing(place):
        store = Store.create(place, settings)
        update = _Update(store, embedder, about, report, engine)
        update.run([] if first is None else chain([first], found), on_file)
        drop_outdated(place, settings)
    report.stats = store.stats()
    return report


def read_about(manifest: Path, failures: list[Failure]) -> dict[str, About]:
    """Labels and captions of a manifest's files, by real path.

    Rows that cannot be used are added to `failures`; the sounds are indexed all the same.
    """
    from earshot.data import open_clips

    clips = open_clips(manifest, on_fault="skip")
    failures.extend(row_failures(clips))
    return {
        os.path.realpath(clip.audio): About(clip.labels, " ".join(clip.captions))
        for clip in clips
        if isinstance(clip.audio, PurePath)
    }


@dataclass(frozen=True)
class _Todo:
    """A file to embed: where it is, what it is called in the index, its size and time."""

    path: Path | str
    name: str
    known: KnownFile


class _Update:
    """One run over a folder, under the writer's lock."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        about: Mapping[str, About] | None,
        report: IndexReport,
        engine: Engine,
    ) -> None:
        self.store, self.embedder = store, embedder
        self.about, self.report, self.engine = about, report, engine
        self.known = store.known()
        self.by_content = {known.content_hash: name for name, known in self.known.items()}
        self.sizes = {known.size for known in self.known.values()}
        self.waiting: list[FileRows] = []
        self.n_waiting = 0  # windows
        self.last_commit = time.monotonic()
        self.n_commits = 0

    def run(self, found: Iterable[Found], on_file: Callable[[int, int], None] | None) -> None:
        """Look, embed, commit, forget, compact."""
        todo, seen, unlisted = self._sort(found)
        gone = [name for name in self.known if name not in seen and not _under(name, unlisted)]
        try:
            for n, done in enumerate(self._embed(todo), start=1):
                self._take(done)
                if on_file is not None:
                    on_file(n, len(todo))
        finally:  # also when interrupted: what is finished is kept
            self._commit()
        self.store.remove(gone)
        self.report.removed = len(gone)
        if self.n_commits or gone:
            self.store.compact()

    def _sort(self, found: Iterable[Found]) -> tuple[list[_Todo], set[str], list[str]]:
        """Files to embed, all names that are there, and folders that could not be listed."""
        todo, seen, unlisted = [], set(), []
        for each in found:
            (unlisted.append if each.is_unlisted else seen.add)(each.name)
            if each.fault:
                self.report.failures.append(Failure(each.source, each.fault))
                continue
            one = _Todo(each.source, each.name, self._facts(each))
            if not self._is_known(one):
                todo.append(one)
        return todo, seen, unlisted

    def _facts(self, found: Found) -> KnownFile:
        """Size, time and words of a file; its hash is that of the index until it is read."""
        old = self.known.get(found.name)
        about = About(old.tags, old.caption) if old else About()
        if self.about is not None:
            about = self.about.get(os.path.realpath(found.source), About())
        before = old.content_hash if old else ""
        return KnownFile(found.size, found.mtime_ns, before, about.tags, about.caption)

    def _is_known(self, one: _Todo) -> bool:
        """True when the index is right about a file, or can be made so without embedding."""
        old = self.known.get(one.name)
        if old == one.known:
            self.report.unchanged += 1
            return True
        if old and (old.size, old.mtime_ns) == (one.known.size, one.known.mtime_ns):
            digest = old.content_hash  # only its words changed
        elif one.known.size in self.sizes:
            try:
                digest = hash_of(one.path)
            except (EarShotError, OSError):
                return False  # the decoder will say what is wrong with it
        else:
            return False
        rows = self.store.rows_of(self.by_content[digest]) if digest in self.by_content else None
        if rows is None or rows.known.content_hash != digest:  # this run has replaced them
            return False
        self.report.reused += 1
        known = replace(one.known, content_hash=digest)
        self._put(replace(rows, path=one.name, known=known))
        return True

    def _embed(self, todo: Iterable[_Todo]) -> Iterator[Done[_Todo]]:
        tasks = (
            Task(
                one,
                partial(_at_rest, one, windows_of(one.path, self.embedder)),
                partial(hash_of, one.path),
            )
            for one in todo
        )
        return self.engine(tasks, self.embedder)

    def _take(self, done: Done[_Todo]) -> None:
        """Keep one embedded file for the next commit, or list its failure."""
        one = done.key
        if done.embedding is None:
            self.report.failures.append(Failure(one.path, done.error))
            return
        ends = done.embedding.end_s
        self.report.pace.add(float(ends[-1]))
        if one.name in self.known:
            self.report.changed += 1
        else:
            self.report.added += 1
        self._put(
            FileRows(
                path=one.name,
                known=replace(one.known, content_hash=done.digest),
                duration_s=float(ends[-1]),
                start_s=done.embedding.start_s,
                end_s=ends,
                vectors=done.embedding.windows,
            )
        )

    def _put(self, rows: FileRows) -> None:
        self.waiting.append(rows)
        self.n_waiting += len(rows.start_s)
        if self.n_waiting >= COMMIT_WINDOWS or time.monotonic() - self.last_commit > COMMIT_S:
            self._commit()

    def _commit(self) -> None:
        """Write what waits: files that the index knows are replaced in the same commit."""
        if self.waiting:
            self.store.put(self.waiting, replace=any(f.path in self.known for f in self.waiting))
            self.n_commits += 1
        self.waiting, self.n_waiting, self.last_commit = [], 0, time.monotonic()


def _at_rest(one: _Todo, windows: FileWindows) -> Iterator[Window]:
    """The file's windows; refuses one that was written to since the walk, as its hash may lie."""
    yield from windows()
    if size_and_time(one.path) != (one.known.size, one.known.mtime_ns):
        raise EarShotError(
            got="a file that changed while it was read",
            expected="a file at rest",
            mend="Run the index again once nothing writes to it.",
        )


def _under(name: str, folders: list[str]) -> bool:
    """True when `name` lies in one of the folders; "." is all of them."""
    return any(folder == "." or name.startswith(f"{folder}/") for folder in folders)
