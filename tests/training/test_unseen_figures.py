from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.training.unseen_figures import Unseen, few_shot_figures, named_among, unseen_of


def clouds(n_labels: int, n: int, spread: float, seed: int = 0) -> Unseen:
    """`n` vectors a label about axes of their own, each of a recording of its own."""
    rng = np.random.default_rng(seed)
    target = np.repeat(np.arange(n_labels), n)
    vectors = np.eye(n_labels)[target] + spread * rng.normal(size=(len(target), n_labels))
    return Unseen(vectors, target, np.arange(len(target)))


def test_scores_that_tell_all_and_scores_that_tell_nothing() -> None:
    target = np.repeat(np.arange(6), 5)
    assert named_among(np.eye(6)[target], target, 4) == 1
    assert named_among(np.zeros((30, 6)), target, 4) == pytest.approx(0.25)
    assert named_among(1 - np.eye(6)[target], target, 4) == 0  # always another one


@given(st.integers(0, 99), st.integers(2, 4))
@settings(deadline=None, derandomize=True, max_examples=20)
def test_guessing_is_worth_chance(seed: int, n_ways: int) -> None:
    target = np.repeat(np.arange(8), 200)
    scores = np.random.default_rng(seed).normal(size=(len(target), 8))
    assert named_among(scores, target, n_ways) == pytest.approx(1 / n_ways, abs=0.04)


def test_it_is_the_mean_over_all_groups_of_labels() -> None:
    """Labels 0 and 1 look alike, all else is told apart: by hand over the three pairs."""
    target = np.array([0, 1, 2])
    scores = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert named_among(scores, target, 2) == pytest.approx((0.5 + 1 + 1) / 3)


def test_labels_weigh_the_same_however_many_clips_they_have() -> None:
    target = np.array([0] * 9 + [1])
    always_0 = np.tile([1.0, 0.0], (10, 1))
    assert named_among(always_0, target, 2) == 0.5


def test_more_examples_tell_more() -> None:
    figures = few_shot_figures(clouds(6, 12, 0.45), (1, 5), 4, seed=0)
    assert set(figures) == {"shot_1", "shot_5", "probe_1", "probe_5"}
    assert 0.4 < figures["shot_1"] < figures["shot_5"] < 1
    assert figures["probe_1"] < figures["probe_5"]
    noise = Unseen(np.random.default_rng(1).normal(size=(72, 6)), np.repeat(np.arange(6), 12),
                   np.arange(72))  # fmt: skip
    assert few_shot_figures(noise, (5,), 4, seed=0)["shot_5"] == pytest.approx(0.25, abs=0.08)


def test_a_recording_never_names_itself() -> None:
    """Two cuts of each recording are equal vectors, and recordings are unlike: chance it is."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(40, 16)), 2, axis=0)
    target = np.repeat(np.arange(4), 20)
    recordings = np.repeat(np.arange(40), 2)
    figures = few_shot_figures(Unseen(vectors, target, recordings), (1,), 4, seed=0)
    assert figures["shot_1"] == pytest.approx(0.25, abs=0.12)
    leaking = few_shot_figures(Unseen(vectors, target, np.arange(80)), (1,), 4, seed=0)
    assert leaking["shot_1"] > figures["shot_1"]


def test_too_few_recordings_are_said() -> None:
    few = clouds(3, 3, 0.1)
    assert few.fewest_recordings == 3
    with pytest.raises(EarShotError, match="at least 4"):
        few_shot_figures(few, (3,), 3, seed=0)


def test_clips_become_rows() -> None:
    sound = Audio(np.ones(10, np.float32), 16_000)
    clips = [
        Clip(sound, labels=(label,), id=str(i), group=group)
        for i, (label, group) in enumerate([("b", "x"), ("a", "x"), ("b", None), ("b", None)])
    ]
    rows = unseen_of(np.eye(4), clips, ["a", "b"])
    assert rows.target.tolist() == [1, 0, 1, 1]
    assert rows.recordings.tolist() == [0, 0, 1, 2]
    assert (rows.n_labels, rows.fewest_recordings) == (2, 1)
