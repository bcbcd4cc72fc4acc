"""What a caption factory costs beside its stages: three that do nothing, every clip journalled.

A clip's cost is the processor's time, and the wall's, of a whole run over clips without sounds,
parted by clips and stages. Then the same clips once more, all of them finished, and a simulation of
failures and restarts under a virtual clock; its full size is benchmarks/factory_simulation.py
--clips 6117099.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from factory_simulation import simulate
from figures import Figure, repeated


@dataclass(frozen=True)
class Costless:
    """A stage that writes a caption at no cost."""

    name: str
    identity: str = "costless"

    def work(self, items: Sequence[Any]) -> Iterator[Any]:
        """As many, with a caption."""
        for item in items:
            yield item.with_(caption="A dog barks while rain falls.")


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Milliseconds a clip and stage, and what a simulation loses and doubles."""
    n = 500 if tiny else 20_000
    spent = [_run(n) for _ in range(n_pairs)]
    bound = {} if tiny else {"at_most": 2.0}
    with tempfile.TemporaryDirectory() as place:
        outcome = simulate(1_000 if tiny else 200_000, Path(place) / "out")
    figures = [
        repeated("a clip and stage, processor", [each[0] for each in spent], "ms", **bound),
        repeated("a clip and stage, wall", [each[1] for each in spent], "ms", **bound),
        repeated("a finished clip, looked up again", [each[2] for each in spent], "ms"),
        Figure(
            f"{outcome.clips:,} clips through {outcome.kills} deaths: lost",
            outcome.lost,
            "",
            at_most=0.0,
        ),
        Figure(f"{outcome.clips:,} clips: doubled", outcome.doubled, "", at_most=0.0),
    ]
    return figures, asdict(outcome)


def _run(n: int) -> tuple[float, float, float]:
    """Of a run, processor and wall, and of a second one, wall, in ms."""
    from earshot.factories.factory import Factory, run_factory
    from earshot.factories.item import Item

    stages = [Costless(name) for name in ("extract", "write", "gate")]
    items = [Item(f"c{i:07d}", labels=("Dog", "Rain"), source={"title": "rain"}) for i in range(n)]
    with tempfile.TemporaryDirectory() as place:
        processor, wall = time.process_time(), time.perf_counter()
        run_factory(Factory("costless", stages), items, Path(place) / "out")
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        again = time.perf_counter()
        run_factory(Factory("costless", stages), items, Path(place) / "out")
        again = time.perf_counter() - again
    share = 1e3 / n
    return share * processor / len(stages), share * wall / len(stages), share * again
