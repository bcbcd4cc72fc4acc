"""One task after another: each is tested and remembered, and a run that was cut goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, write_text
from earshot.data.class_incremental import Tasks
from earshot.data.rehearsal import Memory, refill
from earshot.training.processes import this_process, wait_for_all

RECORD = "record.json"


@dataclass(frozen=True)
class Learner:
    """What a method brings to a sequence of tasks; its model lives in the closures."""

    teach: Callable[[int, Memory], None]  # train on that task, with the memory of those before
    rank: Callable[[str, int], Sequence[str]]  # ids of up to n clips of a label, best first
    test: Callable[[Tasks], list[float]]  # accuracy on the test clips of each of these tasks


@dataclass(frozen=True)
class Learnt:
    """What came of the tasks."""

    accuracy: np.ndarray  # [tasks, tasks]: row i is after task i; NaN for tasks not yet met
    memory: Memory


def task_name(task: int) -> str:
    """The name of a task's stage and folder; the first task is 0 here and task-1 there."""
    return f"task-{task + 1}"


def learn_tasks(tasks: Tasks, learner: Learner, *, memory_size: int, out: Path) -> Learnt:
    """Every task in turn: teach, test on all tasks so far, refill a memory of `memory_size` clips.

    After each task its memory and accuracies are written to `out/task-N/record.json`. Where that
    file is there already, from a run that was cut, they are read and not worked out again; `teach`
    is called all the same, and must leave the model as it was at that task's end, as a finished
    stage of a RecipeRun does.
    """
    accuracy = np.full((len(tasks), len(tasks)), np.nan)
    memory: Memory = {}
    for task, labels in enumerate(tasks):
        learner.teach(task, memory)
        path = out / task_name(task) / RECORD
        if this_process().is_main and not is_file(path):
            measured = learner.test(tasks[: task + 1])
            ranked = {label: learner.rank(label, memory_size) for label in labels}
            record = {
                "labels": list(labels),
                "accuracy": measured,
                "memory": refill(memory, ranked if memory_size else {}, memory_size),
            }
            write_text(path, json.dumps(record, indent=2) + "\n")
        wait_for_all()
        facts = _record(path, labels)
        memory = {label: tuple(ids) for label, ids in facts["memory"].items()}
        accuracy[task, : task + 1] = facts["accuracy"]
    return Learnt(accuracy, memory)


def _record(path: Path, labels: Sequence[str]) -> dict[str, Any]:
    """The record of a task, refused when it is of another one."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        if facts["labels"] != list(labels) or not {"accuracy", "memory"} <= facts.keys():
            raise ValueError("another task's")
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise EarShotError(
            got=f"{path}, which is not the record of this task ({fault})",
            expected="the labels, accuracies and memory that this run wrote",
            mend="Remove that file to have them worked out again, or begin in another --out.",
        ) from fault
    return facts
