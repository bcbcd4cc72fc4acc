from __future__ import annotations

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.data.class_incremental import check_spoken_intents, class_incremental, of_labels

SOUND = Audio(np.zeros(10, np.float32), 8_000)


def clips_of(*labels: str) -> ClipSet:
    return ClipSet(
        [Clip(SOUND, (label,), (label,), id=f"{label}-{i}") for label in labels for i in range(2)]
    )


@pytest.mark.parametrize(
    ("n_tasks", "sizes"), [(1, [7]), (2, [4, 3]), (3, [3, 2, 2]), (7, [1] * 7)]
)
def test_every_label_comes_once_and_tasks_are_even(n_tasks: int, sizes: list[int]) -> None:
    tasks = class_incremental(clips_of(*"abcdefg"), n_tasks, seed=3)
    assert [len(labels) for labels in tasks] == sizes
    assert sorted(label for labels in tasks for label in labels) == list("abcdefg")


def test_the_order_is_the_seed_s_and_not_the_clips() -> None:
    one = class_incremental(clips_of(*"abcdef"), 3, seed=0)
    assert class_incremental(clips_of(*"fedcba"), 3, seed=0) == one
    assert len({class_incremental(clips_of(*"abcdef"), 3, seed=seed) for seed in range(8)}) > 5


def test_clips_of_some_labels_keep_the_indices_of_all() -> None:
    clips = clips_of(*"abc")
    part = of_labels(clips, ["c", "a"])
    assert [clip.id for clip in part] == ["a-0", "a-1", "c-0", "c-1"]
    assert part.labels == ("a", "b", "c")


def test_faults_are_sentences() -> None:
    with pytest.raises(EarShotError, match="3 tasks for 2 labels"):
        class_incremental(clips_of("a", "b"), 3, seed=0)
    with pytest.raises(EarShotError, match="with 2 labels"):
        class_incremental(ClipSet([Clip(SOUND, labels=("a", "b"), id="x")]), 1, seed=0)
    untold = ClipSet([Clip(SOUND, labels=("a",), id="x")])
    with pytest.raises(EarShotError, match="a caption, the transcript"):
        check_spoken_intents(untold, untold)
    with pytest.raises(EarShotError, match="in one of training and test alone: b"):
        check_spoken_intents(clips_of("a", "b"), clips_of("a"))
