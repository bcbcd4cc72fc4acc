from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.training.continual import Learner, learn_tasks

TASKS = (("a", "b"), ("c",), ("d", "e"))


class Pupil:
    """Knows the task it was taught last, and half of what its memory holds."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.taught: list[tuple[int, dict]] = []
        self.n_tests = 0
        self.stop_at = stop_at

    def teach(self, task: int, memory: dict) -> None:
        if task == self.stop_at:
            raise KeyboardInterrupt
        self.taught.append((task, memory))

    def rank(self, label: str, n: int) -> list[str]:
        return [f"{label}{len(self.taught)}{i}" for i in range(n)]

    def test(self, tasks: tuple) -> list[float]:
        self.n_tests += 1
        return [1.0 if task == len(tasks) - 1 else 0.5 for task in range(len(tasks))]

    def learner(self) -> Learner:
        return Learner(self.teach, self.rank, self.test)


def test_each_task_is_taught_with_the_memory_of_those_before(tmp_path: Path) -> None:
    pupil = Pupil()
    learnt = learn_tasks(TASKS, pupil.learner(), memory_size=5, out=tmp_path)
    assert pupil.taught == [
        (0, {}),
        (1, {"a": ("a10", "a11", "a12"), "b": ("b10", "b11")}),
        (2, {"a": ("a10", "a11"), "b": ("b10", "b11"), "c": ("c20",)}),
    ]
    assert learnt.memory == {
        "a": ("a10",),
        "b": ("b10",),
        "c": ("c20",),
        "d": ("d30",),
        "e": ("e30",),
    }
    np.testing.assert_array_equal(
        learnt.accuracy, [[1, np.nan, np.nan], [0.5, 1, np.nan], [0.5, 0.5, 1]]
    )


def test_what_a_cut_run_wrote_is_read_again(tmp_path: Path) -> None:
    whole = learn_tasks(TASKS, Pupil().learner(), memory_size=5, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        learn_tasks(TASKS, Pupil(stop_at=2).learner(), memory_size=5, out=tmp_path / "cut")
    later = Pupil()
    learnt = learn_tasks(TASKS, later.learner(), memory_size=5, out=tmp_path / "cut")
    assert later.n_tests == 1  # of the last task alone
    assert [task for task, _ in later.taught] == [0, 1, 2]
    assert learnt.memory == whole.memory
    np.testing.assert_array_equal(learnt.accuracy, whole.accuracy)


def test_without_a_memory_nothing_is_ranked(tmp_path: Path) -> None:
    pupil = Pupil()
    learnt = learn_tasks(TASKS, pupil.learner(), memory_size=0, out=tmp_path)
    assert learnt.memory == {}
    assert all(memory == {} for _, memory in pupil.taught)


def test_another_task_s_record_is_refused(tmp_path: Path) -> None:
    learn_tasks(TASKS, Pupil().learner(), memory_size=5, out=tmp_path)
    with pytest.raises(EarShotError, match="not the record of this task"):
        learn_tasks((("x",), *TASKS[1:]), Pupil().learner(), memory_size=5, out=tmp_path)
    record = tmp_path / "task-2" / "record.json"
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({"labels": facts["labels"]}))
    with pytest.raises(EarShotError, match="not the record of this task"):
        learn_tasks(TASKS, Pupil().learner(), memory_size=5, out=tmp_path)
