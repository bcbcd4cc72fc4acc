from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.index.scores import Background
from earshot.jobs.background import stands_out
from earshot.jobs.indexing import index
from earshot.jobs.judging import Judge, score_labels
from earshot.jobs.tag import tag
from toy_embedder import TONES, ToyEmbedder, write_tones


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Thirty sounds of dog and cat, of which one has a bell as well."""
    names = {f"{i:02d}.wav": ("dog", "cat") for i in range(29)} | {"bell.wav": ("bell",)}
    write_tones(tmp_path / "sounds", names)
    return tmp_path / "sounds"


def test_labels_are_held_against_your_own_sounds(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())
    answers = tag(sounds, labels=list(TONES), model=ToyEmbedder(), index=sounds / ".earshot")
    by_name = {answer.path.name: answer for answer in answers}
    usual = {each.label: each for each in by_name["00.wav"].labels}
    rare = {each.label: each for each in by_name["bell.wav"].labels}
    assert abs(usual["dog"].z) < 1  # every sound has it
    assert rare["bell"].z > 5
    assert rare["bell"].false_alarm < 1e-6 < 0.1 < usual["dog"].false_alarm
    plain = tag(sounds / "00.wav", labels=list(TONES), model=ToyEmbedder())[0]
    assert {each.z for each in plain.labels} == {None}
    assert [each.cosine for each in plain.labels] == [each.cosine for each in usual.values()]


def test_with_abstain_only_what_stands_out_gets_a_label(sounds: Path) -> None:
    with pytest.raises(EarShotError, match="earshot index"):
        tag(sounds, labels=["dog", "bell"], model=ToyEmbedder(), abstain=True)
    index(sounds, model=ToyEmbedder())
    answers = tag(sounds, labels=["dog", "bell"], model=ToyEmbedder(), abstain=True)
    assert {answer.path.name: answer.label for answer in answers if answer.label} == {
        "bell.wav": "bell"
    }
    assert all(answer.score == answer.labels[0].score for answer in answers)
    with pytest.raises(EarShotError, match="the model that made the index"):
        tag(sounds, labels=["dog"], model=ToyEmbedder("ab" * 8), abstain=True)


def test_too_few_sounds_tell_nothing(tmp_path: Path) -> None:
    write_tones(tmp_path, {f"{i}.wav": ("dog",) for i in range(3)})
    index(tmp_path, model=ToyEmbedder())
    with pytest.raises(EarShotError, match="20 or more"):
        tag(tmp_path, labels=["dog"], model=ToyEmbedder(), abstain=True)


def test_many_labels_make_chance_hits_likelier() -> None:
    assert stands_out(0.01, 5)
    assert not stands_out(0.01, 50)


def test_the_label_given_is_the_best_of_those_that_stand_out() -> None:
    vectors = np.array([[0.9, 0.0], [0.6, 0.0]], np.float32)
    usual = (Background(0.85, 0.05, 100), Background(0.1, 0.05, 100))  # the first is always high
    sound = np.array([1.0, 0.0], np.float32)
    judge = Judge(("hum", "rain"), vectors, 10.0, backgrounds=usual, abstain=True)
    scores = judge.scores(sound)
    assert scores[0].label == "hum"
    best = judge.best(scores)
    assert best is not None
    assert best.label == "rain"
    assert Judge(("hum", "rain"), vectors, 10.0).best(scores) is scores[0]


def test_judges_that_score_otherwise_have_other_fingerprints() -> None:
    vectors = np.eye(2, dtype=np.float32)
    judges = [
        Judge(("a", "b"), vectors, 10.0),
        Judge(("a", "c"), vectors, 10.0),
        Judge(("a", "b"), vectors[::-1].copy(), 10.0),
        Judge(("a", "b"), vectors, 10.0, abstain=True),
    ]
    prints = {judge.fingerprint("model") for judge in judges} | {judges[0].fingerprint("other")}
    assert len(prints) == 5


def test_examples_sharpen_tag(tmp_path: Path) -> None:
    """The model calls these rain; the user, who knows better, says car."""
    write_tones(tmp_path, {f"{i}.wav": ("rain", "rain", "bell") for i in range(6)})
    write_tones(tmp_path, {f"r{i}.wav": ("rain",) for i in range(6)})
    rows = [f"{i}.wav,car" for i in range(5)] + [f"r{i}.wav,rain" for i in range(5)]
    (tmp_path / "labels.csv").write_text("path,label\n" + "\n".join(rows))
    before = tag([tmp_path / "5.wav"], labels=["rain", "car"], model=ToyEmbedder())
    assert before[0].label == "rain"
    new = [tmp_path / "5.wav", tmp_path / "r5.wav"]
    after = tag(new, model=ToyEmbedder(), examples=tmp_path / "labels.csv")
    assert [answer.label for answer in after] == ["car", "rain"]
    assert sum(each.score for each in after[0].labels) == pytest.approx(1)
    assert after[0].labels[0].cosine == pytest.approx(before[0].labels[1].cosine, abs=1e-6)


def test_scores_follow_logits_where_there_are_any() -> None:
    cosines = np.array([0.5, 0.1], np.float32)
    found = score_labels(["a", "b"], cosines, 10.0, np.array([0.0, np.log(3.0)]))
    assert [(each.label, round(each.score, 6)) for each in found] == [("b", 0.75), ("a", 0.25)]
    assert found[0].cosine == pytest.approx(0.1)
