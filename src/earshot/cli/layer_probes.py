"""The layer probes of `earshot evaluate probe`: which tasks, which controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.jobs.each_file import Pace
    from earshot.jobs.evaluate import Evaluation
    from earshot.jobs.evaluation.probe_tasks import ProbeTask
    from earshot.models.embedder import Embedder


class Head(StrEnum):
    """What reads the layers."""

    LINEAR = "linear"
    MLP = "mlp"


@dataclass(frozen=True)
class LayerProbes:
    """The tasks of a command, to be done with any model and, where asked, with its controls."""

    data: Path | None
    split: str | None
    tasks: tuple[str, ...]
    head: str
    quick: bool
    folds: int | None
    seed: int
    controls: bool

    def __post_init__(self) -> None:
        if (self.data is None) == (not self.tasks):
            raise EarShotError(
                got="--data and --task" if self.tasks else "neither --data nor --task",
                expected="one of them",
                mend="--data probes for the labels of your clips, --task for those of EarShot's.",
            )

    def __call__(self, embedder: Embedder, pace: Pace) -> Iterator[Evaluation]:
        """Every task's figures; with controls those of shuffled labels and of an untrained twin."""
        from earshot.jobs.evaluation.layer_probe import measure_layers
        from earshot.jobs.loading import load_untrained
        from earshot.training.layer_probe import LayerProbeConfig

        pace.start()
        twin = load_untrained(embedder.name, device=str(embedder.device)) if self.controls else None
        config = LayerProbeConfig(head=self.head)  # type: ignore[arg-type]  # one of Head
        measure = partial(
            measure_layers, n_folds=self.folds, seed=self.seed, config=config, pace=pace
        )
        for task in self._tasks():
            yield measure(task, embedder)
            if twin is not None:
                yield measure(task, twin)
                yield measure(task, embedder, shuffled=True)

    def _tasks(self) -> list[ProbeTask]:
        from earshot.jobs.evaluation.clips import open_set
        from earshot.jobs.evaluation.probe_tasks import ProbeSizes, labelled_task, probe_tasks

        if self.data is not None:
            return [labelled_task(open_set(self.data, self.split))]
        sizes = ProbeSizes.quick() if self.quick else ProbeSizes()
        names = () if self.tasks == ("all",) else self.tasks
        return probe_tasks(names, sizes=sizes, seed=self.seed)
