"""Kill a factory's run at its n-th step on disk, for many n, and take it up again each time.

A step is an SQL statement, or a file that is opened, renamed or removed. Prints a JSON line each.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.parquet  # noqa: F401 - imported once, before the forks

sys.path.insert(0, str(Path(__file__).parent))
from stub_stages import clips, stub_factory

from earshot.factories.factory import run_factory
from earshot.factories.part_store import MANIFEST, rows_in

N = 60
EVENTS = ("open", "os.rename", "os.remove")
OPTIONS: dict[str, Any] = {"batch_size": 7, "rows_per_part": 16}


class Steps:
    """Counts steps and ends the process at one of them, as kill -9 does."""

    def __init__(self, deadly: int = 0) -> None:
        self.n, self.deadly = 0, deadly

    def watch(self) -> None:
        connect = sqlite3.connect

        def watched(*words: Any, **named: Any) -> sqlite3.Connection:
            base = connect(*words, **named)
            base.set_trace_callback(lambda statement: self.step())
            return base

        sqlite3.connect = watched  # type: ignore[assignment]
        sys.addaudithook(lambda event, words: self.step() if event in EVENTS else None)

    def step(self) -> None:
        self.n += 1
        if self.n == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], None]) -> int:
    """The status of a process that does `work`."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
        os._exit(0)
    except BaseException as fault:  # the parent reads the status alone
        print(json.dumps({"fault": repr(fault)}), flush=True)
        os._exit(1)


def killed(out: Path, told: Path, deadly: int) -> None:
    with told.open("wb", buffering=0) as file:
        steps = Steps(deadly)
        steps.watch()
        run_factory(
            stub_factory(),
            clips(N),
            out,
            **OPTIONS,
            tell=lambda i: file.write(f"{i.id}\n".encode()),
        )
    told.with_suffix(".steps").write_text(str(steps.n))


def taken_up(out: Path, answer: Path) -> None:
    """What readers see before, what is taken, and what the folder holds in the end."""
    before = []
    if (out / MANIFEST).is_file():
        before = [row["id"] for kind in ("data", "rejects") for row in rows_in(out, kind)]
    taken: list[str] = []
    report = run_factory(
        stub_factory(), clips(N), out, **OPTIONS, tell=lambda item: taken.append(item.id)
    )
    rows = {
        kind: sorted(rows_in(out, kind), key=lambda row: row["id"]) for kind in ("data", "rejects")
    }
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.parquet"))
    listed = json.loads((out / MANIFEST).read_text())
    wanted = sorted(f"{kind}/{name}" for kind in ("data", "rejects") for name in listed[kind])
    held = {"before": before, "taken": taken, "kept": report.kept, "rows": rows}
    answer.write_text(json.dumps({**held, "stray": files != wanted}))


def main(folder: Path, n_points: int) -> None:
    told = folder / "whole.told"
    assert forked(lambda: killed(folder / "whole", told, 0)) == 0
    n_steps = int((folder / "whole.steps").read_text())
    assert forked(lambda: taken_up(folder / "whole", folder / "whole.json")) == 0
    for point in range(n_points):
        deadly = 1 + point * (n_steps - 1) // n_points
        out, answer = folder / f"{deadly}", folder / f"{deadly}.json"
        status = forked(lambda: killed(out, folder / f"{deadly}.told", deadly))  # noqa: B023
        assert forked(lambda: taken_up(out, answer)) == 0, deadly  # noqa: B023
        print(json.dumps({"step": deadly, "of": n_steps, "status": status}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
