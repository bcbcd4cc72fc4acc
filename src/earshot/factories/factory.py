"""A caption factory, and the one way to run it: killed at any moment, it is taken up again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.factories.ledger import ROWS_PER_PART, Counts, Ledger
from earshot.factories.line import work_through
from earshot.factories.meter import Prices, Spent, add_spent
from earshot.factories.stage import Stage, needs_audio

ENGINES = ("local", "ray")
BATCH_SIZE = 64  # clips that go through the stages together
GIVE_UP_AFTER = 500  # failed clips in a row: it is not the clips' fault then
LISTED = 1_000  # failures that a report holds; all of them stand in the ledger


@dataclass(frozen=True)
class Factory:
    """Stages in their order. `settings` is what they were made from, for the record."""

    name: str
    stages: Sequence[Stage]
    settings: Any = None

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise EarShotError(
                got=f"a factory of the stages {', '.join(names) or '(none)'}",
                expected="one stage at least, and a name of its own for each",
                mend="Name them apart.",
            )

    @property
    def identity(self) -> str:
        """Digest of all that its results depend on."""
        return fingerprint(
            {"name": self.name, "stages": [(s.name, s.identity) for s in self.stages]}
        )

    @property
    def needs_audio(self) -> bool:
        """True where a stage opens sounds."""
        return any(needs_audio(stage) for stage in self.stages)


@dataclass(frozen=True)
class FactoryReport:
    """What a run came to.

    `spent` and `seconds` are of this run; the ledger adds up all of them. `counts` is what OUT
    holds now.
    """

    out: Path
    factory: str
    identity: str
    taken: int  # clips that went through the stages in this run
    kept: int  # clips that an earlier run had finished
    doubles: int  # rows of the source that name a clip once more
    seconds: float  # of wall time
    spent: dict[str, Spent]  # by stage, in order
    counts: Counts
    rejects: dict[str, int]  # "stage: reason" -> how many of OUT
    failures: list[tuple[str, str]] = field(default_factory=list)  # (id, why), the first of them

    def cost(self, prices: Prices) -> dict[str, float]:
        """What the calls of this run cost, by stage."""
        return {name: prices.cost(spent) for name, spent in self.spent.items()}

    def to_row(self, prices: Prices | None = None) -> dict[str, Any]:
        """As plain JSON values."""
        row: dict[str, Any] = {
            "out": str(self.out),
            "factory": self.factory,
            "identity": self.identity,
            "taken": self.taken,
            "kept": self.kept,
            "doubles": self.doubles,
            "hours": self.seconds / 3600,
            **self.counts._asdict(),
            "rejects": self.rejects,
            "stages": {name: spent.to_row() for name, spent in self.spent.items()},
        }
        if prices is not None:
            row["cost"] = self.cost(prices)
        return row


def run_factory(
    factory: Factory,
    items: Iterable[Item],
    out: Path,
    *,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    build: Callable[[], Factory] | None = None,
    batch_size: int = BATCH_SIZE,
    rows_per_part: int = ROWS_PER_PART,
    give_up_after: int = GIVE_UP_AFTER,
    tell: Callable[[Item], None] = lambda item: None,
    clock: Callable[[], float] = time.perf_counter,
) -> FactoryReport:
    """Take every clip through the stages into `out`, and skip what is there unchanged.

    A finished clip is on disk before the next batch begins; run again, only clips are taken that
    are missing, failed, or changed: what they came with, their file, or a stage. `items` is read
    as the work goes on and may hold any number. `out` holds Parquet parts under `data/` and
    `rejects/`, and the ledger. `tell` hears of every clip taken.

    engine "ray": stages run in the workers of a Ray cluster at `address`, made there by `build`
    where stages do not survive pickling. Clips that fail are listed and end nothing, until
    `give_up_after` fail in a row.

    Raises EarShotError for what no clip can get past; all that was finished is kept.
    """
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if min(batch_size, rows_per_part, give_up_after) < 1:
        raise EarShotError(
            got=f"batch_size={batch_size}, rows_per_part={rows_per_part}, "
            f"give_up_after={give_up_after}",
            expected="1 or more of each",
            mend="Raise it.",
        )
    started = clock()
    made_by = factory.identity
    spent = {stage.name: Spent() for stage in factory.stages}
    row = _Row(give_up_after)
    with Ledger(out, rows_per_part=rows_per_part) as ledger:
        ledger.begin(factory.name, made_by, [stage.name for stage in factory.stages])
        waiting = ledger.waiting(items, made_by, with_files=factory.needs_audio)
        batches = _batches(waiting, batch_size)
        if engine == "ray":
            from earshot.factories.on_ray import on_ray

            done = on_ray(build or partial(_itself, factory), batches, batch_size, address)
        else:
            done = (work_through(factory.stages, batch, clock) for batch in batches)
        for batch in done:
            ledger.keep(batch.items, batch.spent)
            add_spent(spent, batch.spent)
            for item in batch.items:
                tell(item)
                row.see(item)
        ledger.finish()
        return FactoryReport(
            out,
            factory.name,
            made_by,
            ledger.n_taken,
            ledger.n_kept,
            ledger.n_doubles,
            clock() - started,
            spent,
            ledger.counts(),
            ledger.rejects(),
            list(itertools.islice(ledger.failures(), LISTED)),
        )


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(itertools.islice(items, size)):
        yield batch


def _itself(factory: Factory) -> Factory:
    return factory


class _Row:
    """Counts clips that failed one after the other."""

    def __init__(self, longest: int) -> None:
        self.longest, self.n = longest, 0

    def see(self, item: Item) -> None:
        no = item.rejected
        if no is None or not no.failed:
            self.n = 0
        elif no.stage != "read":  # the source's faults say nothing of the stages
            self.n += 1
            if self.n >= self.longest:
                raise EarShotError(
                    got=f"{self.n} clips in a row that failed, the last, {item.id}, in "
                    f"{no.stage}: {no.reason}{f' ({no.detail})' if no.detail else ''}",
                    expected="a stage that works",
                    mend="Mend it and run the same again: what was finished is kept.",
                )
