"""Run a claim: every arm under every seed, each kept as it is done, then the comparisons."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.core.fingerprint import fingerprint
from earshot.core.machine import commit_of, describe_machine
from earshot.training.experiment import Comparison, Experiment
from earshot.training.intervals import INTERVALS, IntervalKind, paired_difference
from earshot.training.one_thread import one_thread
from earshot.training.sources import PACKAGE, source_digest

FORMAT = 1
DONE_NAME = "figures.json"


@dataclass(frozen=True)
class Trial:
    """One arm under one seed: what it measured and what it cost."""

    arm: str
    seed: int
    values: dict[str, float]
    minutes: float  # of wall clock
    cpu_minutes: float
    commit: str


Trials = dict[tuple[str, int], Trial]  # by arm and seed


def run_experiment(
    experiment: Experiment,
    *,
    seeds: Sequence[int],
    work: Path,
    workers: int = 1,
    interval: IntervalKind = "t",
    note: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Any]:
    """The result as JSON values: per-seed figures, means, paired differences, costs, machine.

    All arms under all seeds, as `measure_arms` does them. Raises EarShotError when an arm does not
    give a figure that a comparison names.
    """
    trials = measure_arms(experiment, seeds=seeds, work=work, workers=workers, note=note)
    return summarise(experiment, trials, seeds, interval)


def measure_arms(
    experiment: Experiment,
    *,
    seeds: Sequence[int],
    work: Path,
    workers: int = 1,
    only: Sequence[str] = (),
    note: Callable[[str], None] = lambda sentence: None,
) -> Trials:
    """Every trial that is done: those found in `work`, and those trained there now.

    Trials that lie finished in `work`, of the same config and the same code, are taken as they
    are. The others train, those of the arms `only` where given, `workers` at a time, each in its
    own process when that is above 1, each in one thread.
    """
    if len(seeds) < 1 or workers < 1:
        raise EarShotError(
            got=f"{len(seeds)} seeds and {workers} workers",
            expected="at least one of each",
            mend="Pass --seeds 3 --cores 1.",
        )
    asked = {experiment.arm(name).name for name in only}
    code = source_digest(experiment.sources)
    wanted = [(arm.name, seed) for seed in seeds for arm in experiment.arms]  # pairs first
    trials: Trials = {}
    for arm, seed in wanted:
        if (kept := _finished(experiment, arm, seed, work, code)) is not None:
            trials[arm, seed] = kept
            note(f"{arm}, seed {seed}: kept from before")
    waiting = [key for key in wanted if key not in trials and (not asked or key[0] in asked)]
    for trial in _trials(experiment, waiting, work, code, workers):
        trials[trial.arm, trial.seed] = trial
        shown = ", ".join(f"{name} {value:.3f}" for name, value in trial.values.items())
        note(f"{trial.arm}, seed {trial.seed}: {shown} ({trial.cpu_minutes:.1f} CPU minutes)")
    return trials


def missing_arms(experiment: Experiment, trials: Trials, seeds: Sequence[int]) -> list[str]:
    """Arms of which a seed is still to be measured."""
    return [
        arm.name for arm in experiment.arms if any((arm.name, seed) not in trials for seed in seeds)
    ]


def summarise(
    experiment: Experiment, trials: Trials, seeds: Sequence[int], interval: IntervalKind = "t"
) -> dict[str, Any]:
    """The results file of an experiment, from its trials by (arm, seed)."""
    arms = {}
    for arm in experiment.arms:
        runs = [trials[arm.name, seed] for seed in seeds]
        figures = {
            name: [run.values[name] for run in runs]
            for name in runs[0].values
            if all(name in run.values for run in runs)
        }
        arms[arm.name] = {
            "note": arm.note,
            "config": to_dict(arm.config),
            "figures": {
                name: {"per_seed": values, "mean": sum(values) / len(values)}
                for name, values in figures.items()
            },
            "minutes": [round(run.minutes, 2) for run in runs],
            "cpu_minutes": [round(run.cpu_minutes, 2) for run in runs],
        }
    all_trials = list(trials.values())
    return {
        "format": FORMAT,
        "recipe": experiment.recipe,
        "code": source_digest(experiment.sources),
        "seeds": list(seeds),
        "arms": arms,
        "comparisons": [_compare(each, arms, interval) for each in experiment.comparisons],
        "interval": INTERVALS[interval],
        "machine": describe_machine(),
        "minutes": round(sum(trial.minutes for trial in all_trials), 2),
        "cpu_minutes": round(sum(trial.cpu_minutes for trial in all_trials), 2),
        "commit": ", ".join(sorted({trial.commit for trial in all_trials})),
    }


def _compare(
    comparison: Comparison, arms: dict[str, Any], interval: IntervalKind
) -> dict[str, Any]:
    values = _per_seed(arms, comparison.arm, comparison.figure)
    if isinstance(comparison.against, str):
        figure = comparison.against_figure or comparison.figure
        others = _per_seed(arms, comparison.against, figure)
    else:
        others = [float(comparison.against)] * len(values)
    paired = paired_difference(values, others, interval)
    finite = len(values) > 1
    return dataclasses.asdict(comparison) | {
        "differences": list(paired.differences),
        "mean_difference": paired.mean,
        "interval_95": [paired.low, paired.high] if finite else None,
        "verdict": paired.verdict(comparison.expected),
    }


def _per_seed(arms: dict[str, Any], arm: str, figure: str) -> list[float]:
    figures = arms[arm]["figures"]
    if figure not in figures:
        raise EarShotError(
            got=f"no figure {figure!r} from arm {arm!r}",
            expected=f"one of {', '.join(sorted(figures))}",
            mend="Let the recipe's run report that figure, or compare another.",
        )
    return figures[figure]["per_seed"]


def _trials(
    experiment: Experiment,
    waiting: Sequence[tuple[str, int]],
    work: Path,
    code: str,
    workers: int,
) -> Iterator[Trial]:
    """The trials as they finish, each in one thread."""
    with one_thread():
        if workers == 1 or len(waiting) < 2:
            for arm, seed in waiting:
                yield run_trial(experiment, arm, seed, work, code)
        else:
            yield from _in_processes(experiment, waiting, work, code, workers)


def _in_processes(
    experiment: Experiment,
    waiting: Sequence[tuple[str, int]],
    work: Path,
    code: str,
    workers: int,
) -> Iterator[Trial]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(workers, context) as pool:
        jobs = [pool.submit(run_trial, experiment, arm, seed, work, code) for arm, seed in waiting]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            for job in jobs:
                job.cancel()


def run_trial(experiment: Experiment, arm: str, seed: int, work: Path, code: str) -> Trial:
    """Train and measure one arm under one seed in `work/ARM/seed-N`, and keep the figures there."""
    config = dataclasses.replace(experiment.arm(arm).config, seed=seed)
    identity = _identity(config, code)
    out = work / arm / f"seed-{seed}-{identity}"
    began, began_cpu = time.monotonic(), time.process_time()
    values = {name: float(value) for name, value in experiment.measure(config, out).items()}
    trial = Trial(
        arm=arm,
        seed=seed,
        values=values,
        minutes=(time.monotonic() - began) / 60,
        cpu_minutes=(time.process_time() - began_cpu) / 60,
        commit=commit_of(PACKAGE),
    )
    write_text(out / DONE_NAME, json.dumps(dataclasses.asdict(trial), indent=2) + "\n")
    return trial


def _finished(experiment: Experiment, arm: str, seed: int, work: Path, code: str) -> Trial | None:
    config = dataclasses.replace(experiment.arm(arm).config, seed=seed)
    path = work / arm / f"seed-{seed}-{_identity(config, code)}" / DONE_NAME
    return Trial(**json.loads(path.read_text("utf-8"))) if path.is_file() else None


def _identity(config: Any, code: str) -> str:
    return fingerprint({"config": to_dict(config), "code": code})[:8]
