from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.sharpening import Examples, folds, labels_of, log_loss, read_examples, sharpen
from toy_embedder import ToyEmbedder, write_tones

NAMES = ["dog", "cat", "rain"]
DIM = 12


def examples(n: int, *, seed: int = 0, shuffled: bool = False) -> tuple[Examples, np.ndarray]:
    """Sounds around a place of each kind, and label vectors that point somewhat beside it."""
    rng = np.random.default_rng(seed)
    places = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][:3]
    beside = places + 1.2 * places[[1, 2, 0]]  # each label points more to the next kind
    beside /= np.linalg.norm(beside, axis=1, keepdims=True)
    kinds = np.arange(n) % 3
    sounds = places[kinds] + 0.2 * rng.normal(size=(n, DIM))
    sounds /= np.linalg.norm(sounds, axis=1, keepdims=True)
    said = rng.permutation(kinds) if shuffled else kinds
    labels = tuple((NAMES[kind],) for kind in said)
    groups = tuple(map(str, range(n)))
    return Examples(sounds.astype(np.float32), labels, groups, ()), beside.astype(np.float32)


def test_a_few_examples_mend_labels_that_point_beside_their_sounds() -> None:
    some, vectors = examples(24)
    found = sharpen(some, NAMES, vectors, 10.0)
    assert found.accuracy_before < 0.3
    assert found.accuracy_after > 0.9
    assert found.log_loss_after < 0.5 * found.log_loss_before
    others, _ = examples(300, seed=0)
    others = Examples(others.sounds[24:], others.labels[24:], others.groups[24:], ())
    target = [NAMES.index(labels[0]) for labels in others.labels]
    assert (found.logits(others.sounds).argmax(1) == target).mean() > 0.9


def test_examples_that_teach_nothing_leave_the_model_nearly_as_it_is() -> None:
    some, vectors = examples(30, shuffled=True)
    found = sharpen(some, NAMES, vectors, 10.0)
    assert found.accuracy_after < 0.6  # chance is 0.33
    right, own = examples(30)
    own = np.stack([right.sounds[i::3].mean(0) for i in range(3)])
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    sure = sharpen(right, NAMES, own, 1_000.0)  # no error to mend, and no doubt
    assert sure.penalty is None
    assert (sure.vectors == 1_000.0 * own.astype(np.float64)).all()
    assert "used as it is" in str(sure)


def test_the_answer_is_the_same_each_time() -> None:
    some, vectors = examples(18)
    first, again = (sharpen(some, NAMES, vectors, 10.0) for _ in range(2))
    assert (first.vectors == again.vectors).all()
    assert (first.bias == again.bias).all()


def test_recordings_are_held_out_whole_and_labels_spread() -> None:
    labels = [("a",)] * 10 + [("b",)] * 10
    groups = [f"r{i // 2}" for i in range(20)]  # two clips of each recording
    fold = folds(labels, groups)
    assert all(len({fold[i] for i in range(20) if groups[i] == g}) == 1 for g in groups)
    for turn in range(5):
        assert sum(fold[:10] == turn) == sum(fold[10:] == turn) == 2


def test_log_loss_is_that_of_the_softmax() -> None:
    logits = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    target = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    second = np.log(np.exp(2) + 2) - 1.0
    assert log_loss(logits, target) == pytest.approx((np.log(3) + second) / 2)


def test_examples_come_from_a_manifest_and_faults_are_listed(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",), "b.wav": ("cat",), "c.wav": ("dog",)})
    (tmp_path / "bad.wav").write_text("no sound")
    rows = ["path,label", "a.wav,dog", "b.wav,cat", "c.wav,dog", "bad.wav,dog", "none.wav,dog"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    found = read_examples(tmp_path / "labels.csv", ToyEmbedder())
    assert found.labels == (("dog",), ("cat",), ("dog",))
    assert len(found.failures) == 2
    assert labels_of(found, None) == ["cat", "dog"]
    assert labels_of(found, ["rain", "dog", "cat"]) == ["rain", "dog", "cat"]
    with pytest.raises(EarShotError, match="Add it to --labels"):
        labels_of(found, ["dog"])
    (tmp_path / "labels.csv").write_text("path,label\na.wav,dog\n")
    with pytest.raises(EarShotError, match="2 or more"):
        read_examples(tmp_path / "labels.csv", ToyEmbedder())
