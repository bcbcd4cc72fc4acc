from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.prompts import check_labels, label_vectors
from earshot.jobs.tag import tag, vocabulary
from toy_embedder import TONES, ToyEmbedder, write_tones


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_tones(folder, {f"{word}.wav": (word,) for word in TONES})
    (folder / "bad.wav").write_text("no sound")
    return folder


def test_sounds_get_their_names_and_failures_are_kept(sounds: Path) -> None:
    answers = tag(sounds, labels=list(TONES), model=ToyEmbedder())
    assert {answer.path.stem: answer.label for answer in answers} == {word: word for word in TONES}
    assert [failure.path.name for failure in answers.failures] == ["bad.wav"]


def test_scores_are_a_distribution_over_the_labels(sounds: Path) -> None:
    [answer] = tag(sounds / "dog.wav", labels=["cat", "dog", "rain"], model=ToyEmbedder())
    assert [each.label for each in answer.labels] == ["dog", "cat", "rain"]
    assert sum(each.score for each in answer.labels) == pytest.approx(1)
    assert (answer.label, answer.score) == (answer.labels[0].label, answer.labels[0].score)
    cosines = np.array([each.cosine for each in answer.labels])
    expected = np.exp(20 * cosines) / np.exp(20 * cosines).sum()
    assert [each.score for each in answer.labels] == pytest.approx(list(expected))


def test_labels_are_said_in_several_ways() -> None:
    heard: list[str] = []

    class Listening(ToyEmbedder):
        def embed_texts(self, texts):
            heard.extend(texts)
            return super().embed_texts(texts)

    rows = label_vectors(["dog_bark", "cat"], Listening(), ["{label}", "a {label}!"])
    assert heard == ["dog bark", "a dog bark!", "cat", "a cat!"]
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])


def test_the_vocabulary_is_one_of_everyday_sounds() -> None:
    names = vocabulary()
    assert 150 <= len(names) <= 250
    assert len(set(names)) == len(names)
    assert {"dog barking", "rain", "siren", "violin"} <= set(names)


def test_faults_in_labels_are_named(sounds: Path) -> None:
    with pytest.raises(EarShotError, match="no labels"):
        tag(sounds, labels=[], model=ToyEmbedder())
    with pytest.raises(EarShotError, match="empty label"):
        check_labels(["dog", " "])
    with pytest.raises(EarShotError, match="'dog' twice"):
        check_labels(["dog", "dog "])
    with pytest.raises(EarShotError, match="{label}"):
        tag(sounds, labels=["dog"], prompts=["a sound"], model=ToyEmbedder())
    with pytest.raises(EarShotError, match="no prompt"):
        label_vectors(["dog"], ToyEmbedder(), [])
