"""What every recipe's run has in common: its folder, its seeds, its fits, its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.core.report import Report
from earshot.core.seed import seed_all
from earshot.data import BatchLoader, Clip
from earshot.models.loading import save_transformers
from earshot.models.start import Start
from earshot.models.two_tower import TwoTower
from earshot.training.fit import FitConfig, FitResult, LossOf, RateOf, fit
from earshot.training.processes import this_process, wait_for_all
from earshot.training.run_folder import begin_run

Measure = Callable[[], tuple[dict[str, float], list[str]]]  # figures, and sentences for people


class RecipeRun:
    """One training run of a recipe, from an empty or a begun folder to a model that loads.

    `config` has `seed`. The folder's run.json holds recipe, config and clips from the first moment;
    a folder that holds another run is refused, and one that holds this run is gone on with when
    `resume` is set. The checkpoint is that of the recipe and config `saved_as`, the run's own where
    left out. `started_from` names a model that the run takes as a part, and does not go on from.
    Every process of a data-parallel run makes one.
    """

    def __init__(
        self,
        key: str,
        config: Any,
        out: Path,
        clip_ids: Sequence[str],
        *,
        resume: bool = False,
        start: Start | None = None,
        saved_as: tuple[str, Any] | None = None,
        started_from: str | None = None,
    ) -> None:
        self.key, self.config, self.out, self.resume, self.start = key, config, out, resume, start
        self.saved_as = saved_as or (key, config)
        self.rank, self.world = this_process()
        self.losses: dict[str, float] = {}
        self.loaders: list[BatchLoader] = []
        if self.rank == 0:
            name = started_from if start is None else start.name
            begin_run(out, key, config, clip_ids, resume=resume, start=name)
        seed_all(config.seed)

    def two_tower(self, build: Callable[[Any], TwoTower]) -> TwoTower:
        """The model that the run starts from: the one handed in, else what `build` makes."""
        return build(self.config) if self.start is None else self.start.model

    def loader(self, clips: Sequence[Clip], **options: Any) -> BatchLoader:
        """This process's share of batches of `clips`; options as BatchLoader has them."""
        place = {"seed": self.config.seed, "rank": self.rank, "world": self.world}
        made = BatchLoader(clips, **{**place, **options})
        self.loaders.append(made)
        return made

    def fit(
        self,
        model: nn.Module,
        loss_of: LossOf,
        batches: Callable[[int], Iterator[Any]],
        settings: FitConfig,
        *,
        stage: str = "",
        after_step: Callable[[], None] | None = None,
        rate_of: RateOf | None = None,
    ) -> FitResult:
        """Train `model` in place; each stage of several has a folder of its own in the run's.

        A stage that was finished before a kill is loaded, and not trained again. A model with
        `clamp_scale` has it called after every update.
        """
        if stage in self.losses:
            raise EarShotError(
                got=f"two stages {stage!r}", expected="a name for each", mend="Rename one."
            )
        folder = self.out / stage if stage else self.out
        settings = replace(settings, seed=settings.seed + self.config.seed)
        after = after_step or getattr(model, "clamp_scale", None)
        fitted = fit(
            model,
            loss_of,
            batches,
            settings,
            folder,
            resume=self.resume,
            after_step=after,
            rate_of=rate_of,
        )
        self.losses[stage] = fitted.loss
        return fitted

    def finish(self, model: nn.Module, measure: Measure, **extra: Any) -> Report:
        """Measure, and leave checkpoint and report in the folder, which then loads as a model.

        What began as a published CLAP is left as a CLAP folder of `transformers`.
        """
        figures = {
            f"{stage}_loss" if stage else "loss": loss for stage, loss in self.losses.items()
        }
        notes = [str(fault) for loader in self.loaders for fault in loader.failures]
        if self.rank == 0:
            measured, faults = measure()
            figures, notes = {**measured, **figures}, [*notes, *faults]
            self._save(model, {"figures": figures, **extra})
            Report(figures, notes).save(self.out / "report.json")
        wait_for_all()
        return Report(figures, notes)

    def _save(self, model: nn.Module, extra: dict[str, Any]) -> None:
        if self.start is not None and self.start.config is None:
            assert isinstance(model, TwoTower)
            save_transformers(model, self.out)
        else:
            save_checkpoint(self.out, *self.saved_as, model, extra)
