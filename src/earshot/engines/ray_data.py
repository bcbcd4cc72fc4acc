"""Ray Data: the same work on every core and GPU of a cluster, or of this machine."""

from __future__ import annotations

import itertools
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from earshot.core.errors import EarShotError
from earshot.engines.local import embed_each
from earshot.engines.task import Done, Task

if TYPE_CHECKING:
    import pyarrow as pa

    from earshot.models.embedder import Embedder

K = TypeVar("K")
WAVE = 200_000  # tasks handed to the cluster at a time; their descriptions lie in its memory
BLOCK = 64  # tasks a worker gets at a time: what is lost when it dies
CPUS_PER_WORKER = 4
RETRIES = 1  # of a block that its worker died with; workers themselves come back always
LOST = "the worker that had it died, alone with it too; its log says of what."


def embed_each_on_ray(
    tasks: Iterable[Task[K]], embedder: Embedder, *, address: str | None = None
) -> Iterator[Done[K]]:
    """Every task with its embedding or its error, in the order given.

    `address` is that of a cluster ("auto", "ray://HOST:10001", "HOST:6379"); left out, Ray starts
    on this machine. Each worker holds the model and runs `local.embed_each` over its share, with a
    GPU where the cluster has some, else with a few cores. Rows agree with the local engine's within
    1e-5. A sound that kills its worker is tried alone, then listed as failed, after the others.
    """
    ray = connect(address)
    model = ray.put(embedder)
    source = iter(tasks)
    while wave := list(itertools.islice(source, WAVE)):
        done = np.zeros(len(wave), dtype=bool)
        for size in (BLOCK, 1):  # what went down with a worker is tried again, each by itself
            left = np.flatnonzero(~done)
            if not len(left):
                break
            for i, answer in _pass(ray, model, wave, left, size):
                done[i] = True
                yield answer
        for i in np.flatnonzero(~done):
            yield Done(wave[i].key, None, LOST)


def connect(address: str | None) -> Any:
    """Ray, connected to the cluster at `address` or to its own here, silent on all but faults.

    Raises EarShotError where Ray is not installed or no cluster answers.
    """
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        import ray
    except ImportError as fault:
        raise EarShotError(
            got="--engine ray where Ray is not installed",
            expected="the ray package",
            mend='Install it: pip install "earshot[ray]"; or leave --engine out.',
        ) from fault
    if ray.is_initialized():
        return ray
    try:
        local = {} if address else {"include_dashboard": False}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, ValueError, RuntimeError) as fault:
        raise EarShotError(
            got=f"--ray-address {address}: {str(fault).strip().partition(chr(10))[0]}",
            expected="a Ray cluster that answers",
            mend="Start it (ray start --head) or correct the address.",
        ) from fault
    return ray


def _pass(
    ray: Any, model: Any, wave: Sequence[Task[K]], chosen: np.ndarray, size: int
) -> Iterator[tuple[int, Done[K]]]:
    """The chosen tasks of a wave through Ray Data, `size` to a block; lost blocks are missing."""
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a dead worker ends its block, not the job
    rows = [{"i": int(i), "task": _pack(wave[i].windows, wave[i].digest)} for i in chosen]
    workers = workers_for(ray, len(rows), size)
    answers = from_items(rows, override_num_blocks=-(-len(rows) // size)).map_batches(
        _Worker,
        fn_constructor_args=(model,),
        batch_size=size,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=workers.pop("n")),
        max_restarts=-1,
        max_task_retries=RETRIES,
        **workers,
    )
    for table in answers.iter_batches(batch_size=None, batch_format="pyarrow"):
        for row in table.to_pylist():
            yield row["i"], _done(wave[row["i"]].key, row)


def workers_for(ray: Any, n_tasks: int, size: int) -> dict[str, float]:
    """How many workers, and what each gets of the cluster."""
    held = ray.cluster_resources()
    n_blocks = -(-n_tasks // size)
    gpus = int(held.get("GPU", 0))
    if gpus:
        return {"n": min(gpus, n_blocks), "num_gpus": 1}
    cpus = int(held.get("CPU", 1))
    each = min(CPUS_PER_WORKER, cpus)
    return {"n": max(1, min(cpus // each, n_blocks)), "num_cpus": each}


class _Worker:
    """Holds the model in a process of its own and runs the local engine over a block of tasks."""

    def __init__(self, model: Any) -> None:
        import ray
        import torch

        self.embedder = ray.get(model)
        if torch.cuda.is_available():
            self.embedder.to("cuda")

    def __call__(self, block: pa.Table) -> pa.Table:
        """Columns i and task -> i, vectors, start_s, end_s, error, digest."""
        import pyarrow as pa

        numbers = block["i"].to_pylist()
        tasks = [
            Task(i, *pickle.loads(packed))
            for i, packed in zip(numbers, block["task"].to_pylist(), strict=True)
        ]
        rows = [_row(done) for done in embed_each(tasks, self.embedder)]
        return pa.Table.from_pylist(rows, schema=_schema())


def _pack(windows: Callable[..., Any], digest: Callable[..., Any] | None) -> bytes:
    """Both callables of a task as bytes; lambdas and closures too."""
    from ray import cloudpickle

    packed: bytes = cloudpickle.dumps((windows, digest))
    return packed


def _schema() -> pa.Schema:
    import pyarrow as pa

    times = pa.list_(pa.float64())
    return pa.schema(
        [
            ("i", pa.int64()),
            ("vectors", pa.large_binary()),
            ("start_s", times),
            ("end_s", times),
            ("error", pa.string()),
            ("digest", pa.string()),
        ]
    )


def _row(done: Done[int]) -> dict[str, Any]:
    """A task done, as a row."""
    row = {"i": done.key, "error": done.error, "digest": done.digest}
    if done.embedding is None:
        return row | {"vectors": b"", "start_s": [], "end_s": []}
    found = done.embedding
    times = {"start_s": found.start_s.tolist(), "end_s": found.end_s.tolist()}
    return row | times | {"vectors": found.windows.astype(np.float32).tobytes()}


def _done(key: K, row: dict[str, Any]) -> Done[K]:
    """The task that a row was made of."""
    from earshot.models.embedder import ClipEmbedding

    if row["error"]:
        return Done(key, None, row["error"], row["digest"])
    n_windows = len(row["start_s"])
    windows = np.frombuffer(row["vectors"], np.float32).reshape(n_windows, -1).copy()
    times = np.array(row["start_s"]), np.array(row["end_s"])
    return Done(key, ClipEmbedding(windows, *times), digest=row["digest"])
