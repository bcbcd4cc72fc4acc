"""A factory's stages in the workers of a Ray cluster, by Ray Data."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from earshot.core.errors import EarShotError
from earshot.engines.ray_data import LOST, RETRIES, connect, workers_for
from earshot.factories.item import Item
from earshot.factories.line import Batch, work_through
from earshot.factories.meter import Spent

if TYPE_CHECKING:
    import pyarrow as pa

    from earshot.factories.factory import Factory

WAVE = 20_000  # clips handed to the cluster at a time; their rows lie in its memory


def on_ray(
    build: Callable[[], Factory],
    batches: Iterable[Sequence[Item]],
    batch_size: int,
    address: str | None,
) -> Iterator[Batch]:
    """Every batch through the stages that `build` makes in each worker; in any order.

    Files must lie where workers see them. A clip that ends its worker is tried alone, then fails;
    with Ray 2.60 the pass in which it did so was seen to wait without end.
    Raises the EarShotError of a stage that no clip can get past.
    """
    ray = connect(address)
    packed = _packed(build)
    source = iter(batches)
    while wave := list(itertools.islice(source, max(1, WAVE // batch_size))):
        items = [item for batch in wave for item in batch]
        left = set(range(len(items)))
        for size in (batch_size, 1):  # what went down with a worker is tried again, each by itself
            if not left:
                break
            for numbers, batch in _pass(ray, packed, items, sorted(left), size):
                left -= set(numbers)
                yield batch
        if left:
            yield Batch([items[i].fail("engine", "worker_died", LOST) for i in sorted(left)], {})


def _packed(build: Callable[[], Factory]) -> bytes:
    from ray import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps(build)
    except (TypeError, AttributeError, ValueError) as fault:  # locks, open files
        raise EarShotError(
            got=f"stages that cannot be sent to workers ({fault})",
            expected="a function that makes them there",
            mend="Pass run_factory(..., build=...).",
        ) from fault
    return packed


def _pass(
    ray: Any, packed: bytes, items: Sequence[Item], chosen: Sequence[int], size: int
) -> Iterator[tuple[list[int], Batch]]:
    """The chosen items through Ray Data, `size` to a block; lost blocks are missing."""
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a dead worker ends its block, not the job
    rows = [{"i": i, "row": json.dumps(items[i].to_row())} for i in chosen]
    workers: dict[str, Any] = dict(workers_for(ray, len(rows), size))
    answers = from_items(rows, override_num_blocks=-(-len(rows) // size)).map_batches(
        _Worker,
        fn_constructor_args=(packed,),
        batch_size=size,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=workers.pop("n")),
        max_restarts=-1,
        max_task_retries=RETRIES,
        **workers,
    )
    tables: Iterable[Any] = answers.iter_batches(batch_size=None, batch_format="pyarrow")
    for table in tables:
        for made in table.to_pylist():
            answer = json.loads(made["made"])
            if answer["fault"] is not None:
                raise EarShotError(**answer["fault"])
            spent = {name: Spent(**row) for name, row in answer["spent"].items()}
            yield answer["i"], Batch([Item.from_row(row) for row in answer["items"]], spent)


class _Worker:
    """Holds the stages in a process of its own."""

    def __init__(self, packed: bytes) -> None:
        import pickle

        self.factory: Factory | None = None
        self.fault: dict[str, str] = {}
        try:
            self.factory = pickle.loads(packed)()
        except EarShotError as fault:
            self.fault = _parts_of(fault)
        except Exception as fault:  # raised here, Ray would try it again for every block
            self.fault = {
                "got": f"a worker that cannot make the factory ({type(fault).__name__}: {fault})",
                "expected": "its modules and files where workers see them",
                "mend": "Install or copy them there.",
            }

    def __call__(self, block: pa.Table) -> pa.Table:
        """Columns i and row -> one row `made`, the JSON of all of them."""
        import pyarrow as pa

        made: dict[str, Any] = {"i": block["i"].to_pylist(), "fault": self.fault or None}
        if self.factory is None:
            return pa.table({"made": [json.dumps(made)]})
        items = [Item.from_row(json.loads(row)) for row in block["row"].to_pylist()]
        try:
            batch = work_through(self.factory.stages, items)
            made["items"] = [item.to_row() for item in batch.items]
            made["spent"] = {name: spent.to_row() for name, spent in batch.spent.items()}
        except EarShotError as fault:  # ends the run; raised here it would end this block alone
            made["fault"] = _parts_of(fault)
        return pa.table({"made": [json.dumps(made)]})


def _parts_of(fault: EarShotError) -> dict[str, str]:
    return {"got": fault.got, "expected": fault.expected, "mend": fault.mend}
