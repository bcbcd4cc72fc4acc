from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.evaluation import probe
from earshot.jobs.evaluation.probe import measure_probe
from earshot.jobs.evaluation.turns import turns_of
from jobs.evaluation.heard import Words, blobs, heard_of

LABELS = ("bell", "cat", "dog")
MODEL = Words(LABELS, 8)


def test_it_reads_what_lies_on_straight_lines() -> None:
    result = measure_probe(blobs(LABELS), MODEL)
    assert result.metrics["accuracy"] > 0.9
    low, high = result.intervals["accuracy"]
    assert low <= result.metrics["accuracy"] <= high
    assert result.n == 18
    assert result.details["parted_by"] == "train and test of the data"


def test_vectors_without_the_signal_give_chance() -> None:
    heard = blobs(LABELS, n_recordings=30, clips_each=1)
    noise = np.random.default_rng(1).normal(size=heard.sounds.shape)
    result = measure_probe(heard_of(heard.clips, noise), MODEL, n_folds=5)
    assert abs(result.metrics["accuracy"] - 1 / 3) < 0.17


def test_clips_of_one_recording_never_help_each_other() -> None:
    """Random vectors that clips of a recording share: whoever leaks learns them by heart."""
    heard = blobs(LABELS, n_recordings=12, clips_each=4)
    rng = np.random.default_rng(2)
    centre = {group: rng.normal(size=8) for group in dict.fromkeys(heard.groups)}
    rows = np.stack([centre[group] + 0.01 * rng.normal(size=8) for group in heard.groups])
    result = measure_probe(heard_of(heard.clips, rows), MODEL, n_folds=4)
    assert result.metrics["accuracy"] < 0.6


def test_test_clips_choose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = blobs(LABELS, noise=0.6)
    before = measure_probe(heard, MODEL)
    _, turns = turns_of(heard)
    shaken = heard.sounds.copy()
    shaken[turns[0].test] = shaken[turns[0].test][::-1]
    seen = []
    fit = probe.fit_linear
    monkeypatch.setattr(
        probe, "fit_linear", lambda x, *rest, **more: seen.append(x) or fit(x, *rest, **more)
    )
    after = measure_probe(replace(heard, sounds=shaken), MODEL)
    assert after.details["penalties"] == before.details["penalties"]
    tested = {tuple(row) for row in heard.sounds[turns[0].test].astype(float)}
    assert not any(tuple(row) in tested for x in seen for row in x)


def test_the_datas_own_folds_come_before_its_splits() -> None:
    how, turns = turns_of(blobs(LABELS, own_folds=True))
    assert how == "the folds of the data"
    heard = blobs(LABELS)
    how, [turn] = turns_of(heard)
    assert how == "train and test of the data"
    assert {heard.clips[row].split for row in turn.test} == {"test"}
    how, turns = turns_of(heard, 4)
    assert how == "4 drawn folds"
    assert sorted(row for turn in turns for row in turn.test) == list(range(72))


def test_several_labels_a_clip() -> None:
    heard = blobs(LABELS)
    both = [replace(clip, labels=(*clip.labels, "sound")) for clip in heard.clips[:40]]
    result = measure_probe(replace(heard, clips=[*both, *heard.clips[40:]]), MODEL, n_folds=3)
    assert result.metrics["mAP"] > 0.8
    assert set(result.intervals) == {"mAP", "AUC"}


def test_a_label_that_training_never_had_is_counted() -> None:
    heard = blobs(LABELS)
    clips = [
        replace(clip, split="test") if clip.labels == ("dog",) else clip for clip in heard.clips
    ]
    result = measure_probe(replace(heard, clips=clips), MODEL)
    assert result.details["n_of_labels_not_in_training"] == 24
    assert result.details["per_class"]["dog"] == 0


def test_faults_say_what_to_do() -> None:
    heard = blobs(LABELS)
    shared = replace(heard, groups=np.array(["one"] * 72))
    with pytest.raises(EarShotError, match="--folds 5"):
        measure_probe(shared, MODEL)
    alone = blobs(LABELS[:1])
    with pytest.raises(EarShotError, match="clips of another label"):
        measure_probe(alone, MODEL)
    clips = [replace(clip, split=None, group="one") for clip in heard.clips]
    with pytest.raises(EarShotError, match="clips of several recordings"):
        measure_probe(replace(heard, clips=clips), MODEL)
