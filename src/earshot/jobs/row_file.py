"""A file of JSON Lines that grows as a job goes on: killed at any moment, it is taken up again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.jobs.file_facts import Facts, facts_of

BEGIN = b'{"path": '  # of every row


class RowFile:
    """Rows of one job, one a file, each on disk as soon as it is written.

    Rows carry `settings`, which tells one way of running the job from another, and size and time
    of their file. A file that is there unchanged need not be done again; one that changed is
    written anew, and its old row goes when the file is closed. What a kill left half is dropped.
    """

    def __init__(self, path: Path, settings: str) -> None:
        self.path, self.settings = path, settings
        self._facts: dict[str, Facts] = {}  # of the files to be done, as they were before
        self._done: dict[str, Facts] = {}
        self._n_rows = 0
        self._handle: BinaryIO | None = None

    def __enter__(self) -> RowFile:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._handle = self.path.open("a+b")
        except OSError as fault:
            raise EarShotError(
                got=f"--out {self.path}: {fault.strerror}",
                expected="a file that can be written",
                mend="Name another one.",
            ) from fault
        whole = 0
        for number, line in enumerate(self._lines(), start=1):
            row = self._row(line, number)
            if row is None:
                break
            whole += len(line)
            self._done[row["path"]] = (row["size"], row["mtime_ns"])
            self._n_rows += 1
        self._handle.truncate(whole)
        self._handle.seek(0, os.SEEK_END)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._handle is not None
        if kind is None and self._n_rows > len(self._done):
            self._drop_old_rows()
        self._handle.close()

    def has(self, path: Path | str) -> bool:
        """True when the file was done and is as it was then."""
        name, facts = str(path), facts_of(path)
        self._facts[name] = facts
        return self._done.get(name) == facts

    def write(self, path: Path | str, row: Mapping[str, Any]) -> None:
        """Add the row of a file that was asked after."""
        assert self._handle is not None
        name = str(path)
        size, mtime_ns = self._facts.pop(name)
        more = {"size": size, "mtime_ns": mtime_ns, "settings": self.settings}
        self._handle.write(json.dumps({"path": name, **row, **more}).encode() + b"\n")
        self._handle.flush()
        self._done[name] = (size, mtime_ns)
        self._n_rows += 1

    def _lines(self) -> Iterator[bytes]:
        assert self._handle is not None
        self._handle.seek(0)
        yield from iter(self._handle.readline, b"")  # the file itself would be closed at the end

    def _row(self, line: bytes, number: int) -> dict[str, Any] | None:
        """The row of a line; None when it is the last one and a kill cut it short."""
        try:
            if not line.endswith(b"\n") and line.startswith(BEGIN[: len(line)]):
                return None
            row = json.loads(line)
            if row["settings"] == self.settings:
                return {"path": row["path"], "size": row["size"], "mtime_ns": row["mtime_ns"]}
            got = "rows that another model, other labels or other options made"
        except (ValueError, KeyError, TypeError):
            got = f"line {number}, which is not a row of this job"
        raise EarShotError(
            got=f"--out {self.path} with {got}",
            expected="a file that this very command wrote, or none",
            mend="Name another --out, or take that file away.",
        )

    def _drop_old_rows(self) -> None:
        """Keep each file's last row, in the order in which they were written."""
        last = {json.loads(line)["path"]: i for i, line in enumerate(self._lines())}
        kept = set(last.values())
        with replacing(self.path) as part, part.open("wb") as out:
            out.writelines(line for i, line in enumerate(self._lines()) if i in kept)
