"""What a factory has finished: a ledger that no kill can tear, and the Parquet parts it fills."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from earshot.core.errors import EarShotError
from earshot.core.lock import one_writer
from earshot.factories.item import Item
from earshot.factories.meter import Spent
from earshot.factories.part_store import PartStore
from earshot.factories.parts import placed, utf8

STORED = "stored"  # in a clip's provenance: which version of an object behind a URL it is
FILE, FORMAT = "ledger.sqlite", 1
ROWS_PER_PART = 50_000
LOOK_UP = 256  # clips of the source that are looked up together
ACCEPTED, REJECTED, FAILED = 0, 1, 2  # a clip's state
TABLES = """
CREATE TABLE clips (id TEXT PRIMARY KEY, key TEXT NOT NULL, state INTEGER NOT NULL,
  run INTEGER NOT NULL, part INTEGER) WITHOUT ROWID;
CREATE TABLE waiting (id TEXT PRIMARY KEY, state INTEGER NOT NULL, row TEXT NOT NULL);
CREATE TABLE parts (part INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL,
  n INTEGER NOT NULL, stale INTEGER NOT NULL DEFAULT 0);
CREATE TABLE reasons (id TEXT PRIMARY KEY, stage TEXT, reason TEXT) WITHOUT ROWID;
CREATE TABLE spent (stage TEXT PRIMARY KEY, place INTEGER, row TEXT NOT NULL);
CREATE TABLE runs (run INTEGER PRIMARY KEY AUTOINCREMENT, factory TEXT, identity TEXT);
"""


class Counts(NamedTuple):
    """Clips of OUT by what became of them."""

    accepted: int
    rejected: int
    failed: int
    elsewhere: int  # of the accepted and rejected, those that the last run's source did not name


class Ledger:
    """The one writer of a factory's folder; a context manager.

    Every finished clip is written in a transaction of SQLite, synchronised to disk, and moved into
    a Parquet part when enough are there. `parts.json` names the parts that count.
    """

    def __init__(self, out: Path, *, rows_per_part: int = ROWS_PER_PART) -> None:
        self.out, self.rows_per_part = out, rows_per_part
        self.n_taken = self.n_kept = self.n_doubles = 0
        self.run = 0
        self._identity = ""
        self._keys: dict[str, str] = {}  # of clips under way
        self._held = ExitStack()

    def __enter__(self) -> Ledger:
        is_new = not (self.out / FILE).exists()
        if (
            is_new
            and self.out.is_dir()
            and any(not p.name.startswith(".") for p in self.out.iterdir())
        ):
            raise EarShotError(
                got=f"{self.out}, which holds other things than a factory's",
                expected="a folder of its own",
                mend="Name a new one.",
            )
        with ExitStack() as held:
            held.enter_context(one_writer(self.out, ".factory.lock"))
            held.enter_context(_as_sentence(self.out))
            self._base = held.enter_context(contextlib.closing(_opened(self.out / FILE)))
            self.parts = PartStore(self._base, self.out, self.rows_per_part)
            self.parts.mend()
            self._held = held.pop_all()
        return self

    def __exit__(self, *fault: Any) -> bool | None:
        return self._held.__exit__(*fault)

    def begin(self, name: str, identity: str, stages: Sequence[str]) -> None:
        """A run of the factory of that identity."""
        self._identity = identity
        with self._base:
            made = self._base.execute(
                "INSERT INTO runs (factory, identity) VALUES (?, ?)", (name, identity)
            )
            self.run = int(made.lastrowid or 0)
            self._base.executemany(
                "INSERT INTO spent VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET place = excluded.place",
                [(stage, i, json.dumps(Spent().to_row())) for i, stage in enumerate(stages)],
            )

    def waiting(self, items: Iterable[Item], identity: str, *, with_files: bool) -> Iterator[Item]:
        """The items that are not finished as they are now. Read them as they are needed.

        `with_files`: size and time of a clip's file are part of what it is. A second item of one
        id is passed over when it is the same, and fails when it is not.
        """
        source = iter(items)
        while some := list(islice(source, LOOK_UP)):
            some = [_writable(item) for item in some]
            known = self._known([item.id for item in some])
            here = {id: key for id, (key, _, run) in known.items() if run == self.run}
            kept = []
            for item in some:
                key = _key(item, identity, with_files)
                seen = here.get(item.id) or self._keys.get(item.id)
                if seen is not None:
                    self.n_doubles += 1
                    if seen == key:
                        continue
                    item, key = _other(item, key)
                    if item.id in here or item.id in self._keys:
                        continue
                here[item.id] = key
                old = known.get(item.id)
                if old is not None and old[0] == key and old[1] != FAILED:
                    kept.append((self.run, item.id))
                    continue
                self._keys[item.id] = key
                yield item
            self.n_kept += len(kept)
            with self._base:
                self._base.executemany("UPDATE clips SET run = ? WHERE id = ?", kept)

    def keep(self, items: Sequence[Item], spent: Mapping[str, Spent]) -> None:
        """Write finished clips, all of them or none; on disk when it returns."""
        clips, rows, reasons = [], [], []
        for item in items:
            no = item.rejected
            state = ACCEPTED if no is None else FAILED if no.failed else REJECTED
            row = item.to_row()
            if item.audio is not None:
                row["audio"] = placed(item.audio, self.out)
            row["factory"] = self._identity
            clips.append((item.id, self._keys[item.id], state, self.run))
            rows.append((item.id, state, json.dumps(row)))
            if no is not None:
                reasons.append((item.id, no.stage, utf8(no.reason)))
        with self._base:
            self._forget([item.id for item in items])
            self._base.executemany(
                "INSERT OR REPLACE INTO clips (id, key, state, run) VALUES (?, ?, ?, ?)", clips
            )
            self._base.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", rows)
            self._base.executemany("INSERT INTO reasons VALUES (?, ?, ?)", reasons)
            self._add_spent(spent)
        for item in items:
            del self._keys[item.id]
        self.n_taken += len(items)
        self.parts.grow([state for _, _, state, _ in clips])

    def finish(self) -> None:
        """The source was read to its end: all into parts, and parts that hold old rows anew.

        Failures of clips that the source no longer names are forgotten.
        """
        with self._base:
            gone = "SELECT id FROM clips WHERE state = ? AND run < ?"
            for table in ("waiting", "reasons", "clips"):
                self._base.execute(f"DELETE FROM {table} WHERE id IN ({gone})", (FAILED, self.run))
        self.parts.compact()

    def counts(self) -> Counts:
        """Of all clips."""
        found = dict(self._base.execute("SELECT state, count(*) FROM clips GROUP BY state"))
        elsewhere = self._base.execute(
            "SELECT count(*) FROM clips WHERE run < ? AND state != ?", (self.run, FAILED)
        ).fetchone()[0]
        accepted, rejected, failed = (found.get(s, 0) for s in (ACCEPTED, REJECTED, FAILED))
        return Counts(accepted, rejected, failed, elsewhere)

    def rejects(self) -> dict[str, int]:
        """How many clips were rejected or failed, by "stage: reason", the most frequent first."""
        found = self._base.execute(
            "SELECT stage || ': ' || reason AS why, count(*) AS n FROM reasons GROUP BY why "
            "ORDER BY n DESC, why"
        )
        return dict(found)

    def failures(self) -> Iterator[tuple[str, str]]:
        """Id and reason of every clip that failed."""
        for (row,) in self._base.execute(
            "SELECT row FROM waiting WHERE state = ? ORDER BY id", (FAILED,)
        ):
            item = json.loads(row)
            stage, reason, detail, _ = item["rejected"]
            yield item["id"], f"{stage}: {reason}{f': {detail}' if detail else ''}"

    def spent(self) -> dict[str, Spent]:
        """By stage, of all runs together."""
        found = self._base.execute("SELECT stage, row FROM spent ORDER BY place")
        return {stage: Spent(**json.loads(row)) for stage, row in found}

    def _known(self, ids: list[str]) -> dict[str, tuple[str, int, int]]:
        marks = ", ".join("?" * len(ids))
        found = self._base.execute(
            f"SELECT id, key, state, run FROM clips WHERE id IN ({marks})", ids
        )
        return {id: (key, state, run) for id, key, state, run in found}

    def _forget(self, ids: list[str]) -> None:
        """Old rows of clips that are written anew: those in parts are stale from here on."""
        marks = ", ".join("?" * len(ids))
        old = self._base.execute(
            f"SELECT part, count(*) FROM clips WHERE id IN ({marks}) AND part NOT NULL "
            "GROUP BY part",
            ids,
        ).fetchall()
        self._base.executemany(
            "UPDATE parts SET stale = stale + ? WHERE part = ?", [(n, part) for part, n in old]
        )
        self._base.execute(f"DELETE FROM reasons WHERE id IN ({marks})", ids)

    def _add_spent(self, spent: Mapping[str, Spent]) -> None:
        held = self.spent()
        self._base.executemany(
            "UPDATE spent SET row = ? WHERE stage = ?",
            [(json.dumps((held[name] + more).to_row()), name) for name, more in spent.items()],
        )


def _key(item: Item, identity: str, with_files: bool) -> str:
    """16 hex digits of all that a clip's result depends on."""
    stored = item.provenance.get(STORED, "")
    if with_files and isinstance(item.audio, Path):
        try:
            found = item.audio.stat()
            stored = f"{found.st_size}-{found.st_mtime_ns}"
        except (OSError, ValueError):  # the stage that opens it will say what is wrong
            stored = "none"
    facts = f"{item.content} {identity} {stored}"
    return hashlib.blake2b(facts.encode(), digest_size=8).hexdigest()


def _writable(item: Item) -> Item:
    """With an id that UTF-8 can hold: file names may be of any bytes."""
    return item if item.id.isascii() else item.with_(id=utf8(item.id))


def _other(item: Item, key: str) -> tuple[Item, str]:
    """A clip whose id another one has, under an id of its own, failed."""
    detail = f"an earlier row of the source has the id {item.id!r} and says otherwise of it"
    return item.with_(id=f"{item.id}#{key}").fail("read", "id_twice", detail), key


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False)
    base.execute("PRAGMA locking_mode = EXCLUSIVE")
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("PRAGMA cache_size = -65536")  # KiB
    version = base.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        base.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif version != FORMAT:
        raise EarShotError(
            got=f"{path} of format {version}",
            expected=f"format {FORMAT}",
            mend="Use the EarShot that wrote it, or another folder.",
        )
    return base


@contextlib.contextmanager
def _as_sentence(out: Path) -> Iterator[None]:
    """What SQLite complains of, as a sentence."""
    try:
        yield
    except sqlite3.Error as fault:
        raise EarShotError(
            got=f"{out / FILE}, which cannot be used ({fault})",
            expected="a ledger that a factory wrote, and room on its disk",
            mend="Mend that and run the same again: what was finished is kept.",
        ) from fault
