"""Millions of clips through a caption factory under a virtual clock, with failures and kills.

python benchmarks/factory_simulation.py --clips 6117099

Stages cost virtual seconds only; ledger, parts, look-ups and restarts are the factory's own. Clips
fail and are mended by later runs; the process dies at drawn moments, in a stage or right after
clips were written. In the end every clip must be there once, as if nothing had happened.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from earshot.factories.factory import Factory, run_factory  # noqa: E402
from earshot.factories.item import Item  # noqa: E402
from earshot.factories.part_store import parts_in  # noqa: E402

STAGES = {"extract": 0.40, "filter_notes": 0.0, "write": 0.25, "gate": 0.02}  # s a clip, virtual
REJECTS, FAILS = 0.02, 0.01  # shares: of clips for good, of tries that a later run mends


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


@dataclass
class Clock:
    """Seconds that pass only when something is said to have taken them."""

    now_s: float = 0.0
    dies_s: float = float("inf")

    def __call__(self) -> float:
        """Now."""
        return self.now_s

    def pass_(self, seconds: float) -> None:
        """Let time pass; the process dies when its time has come."""
        self.now_s += seconds
        if self.now_s >= self.dies_s:
            raise Killed


@dataclass
class Simulated:
    """A stage that takes time, and fails or rejects by the clip's own number and the try."""

    name: str
    seconds: float
    clock: Clock
    turn: int  # of the runs

    @property
    def identity(self) -> str:
        """The same in every run."""
        return f"simulated-{self.name}"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """Passes on what it gets, with a caption."""
        for item in items:
            self.clock.pass_(self.seconds)
            if drawn(item.id, f"{self.name}{self.turn}") < FAILS / len(STAGES):
                yield item.fail(self.name, "no_answer", "HTTP 503")
            elif drawn(item.id, self.name) < REJECTS / len(STAGES):
                yield item.reject(self.name, "below_label")
            elif self.name == "write":
                yield item.with_(caption=f"Sound number {item.id} is heard in a room.")
            else:
                yield item


@dataclass(frozen=True)
class Outcome:
    """What a simulation came to."""

    clips: int
    runs: int
    kills: int
    lost: int
    doubled: int
    rejected: int
    virtual_days: float
    minutes: float  # of this machine's processor
    megabytes: float  # of the folder


def drawn(id: str, salt: str) -> float:
    """A number in [0, 1) that a clip has."""
    return zlib.crc32(f"{salt}{id}".encode()) / 2**32


def clips(n: int) -> Iterator[Item]:
    """`n` clips without sounds."""
    for i in range(n):
        yield Item(f"Y{i:010d}", labels=("Dog", "Rain"), duration_s=10.0)


def simulate(
    n: int,
    out: Path,
    *,
    n_kills: int = 6,
    seed: int = 0,
    batch_size: int = 1_000,
    rows_per_part: int = 50_000,
) -> Outcome:
    """Run `n` clips to their end through `n_kills` deaths."""
    chance, clock, started = random.Random(seed), Clock(), time.process_time()
    whole_s = n * sum(STAGES.values())
    deaths = sorted(chance.uniform(0.0, whole_s) for _ in range(n_kills))
    runs = kills = 0
    while True:
        stages = [Simulated(name, each, clock, runs) for name, each in STAGES.items()]
        clock.dies_s = deaths[kills] if kills < len(deaths) else float("inf")
        runs += 1
        at_writing = chance.random() < 0.5  # or in the middle of a stage
        dies_s = clock.dies_s
        if at_writing:
            clock.dies_s = float("inf")

        def tell(item: Item, dies_s: float = dies_s, armed: bool = at_writing) -> None:
            if armed and clock.now_s >= dies_s:
                raise Killed

        try:
            report = run_factory(
                Factory("simulated", stages),
                clips(n),
                out,
                batch_size=batch_size,
                rows_per_part=rows_per_part,
                tell=tell,
                clock=clock,
            )
        except Killed:
            kills += 1
            continue
        if not report.counts.failed:
            break
    seen = np.zeros(n, np.int8)
    n_rejected = 0
    for folder in ("data", "rejects"):
        for numbers in _numbers(out, folder):
            np.add.at(seen, numbers, 1)
            n_rejected += len(numbers) if folder == "rejects" else 0
    wanted = sum(
        any(drawn(item.id, name) < REJECTS / len(STAGES) for name in STAGES) for item in clips(n)
    )
    assert n_rejected == wanted, (n_rejected, wanted)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Outcome(
        clips=n,
        runs=runs,
        kills=kills,
        lost=int((seen == 0).sum()),
        doubled=int((seen > 1).sum()),
        rejected=n_rejected,
        virtual_days=clock.now_s / 86_400,
        minutes=(time.process_time() - started) / 60,
        megabytes=size / 1e6,
    )


def _numbers(out: Path, folder: str) -> Iterator[np.ndarray]:
    import pyarrow.parquet as pq

    for path in parts_in(out, folder):
        ids = pq.read_table(path, columns=["id"])["id"].to_pylist()
        yield np.array([int(id[1:]) for id in ids], np.int64)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=6)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(asdict(simulate(asked.clips, Path(place) / "out", n_kills=asked.kills))))
