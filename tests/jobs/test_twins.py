from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.loading import load
from earshot.jobs.twins import evaluate_twins
from published import clap_directory
from toy_embedder import ToyEmbedder, write_tones

HEADER = "pair_caption,reversed_pair_caption,pair_file,reversed_pair_file"


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "twins.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    names = {"dog.wav": ("dog",), "cat.wav": ("cat",), "bell.wav": ("bell",)}
    write_tones(tmp_path, names | {"dog_cat.wav": ("dog", "cat"), "cat_dog.wav": ("cat", "dog")})
    return tmp_path


def test_what_the_model_hears_and_what_it_cannot(sounds: Path) -> None:
    path = table(
        sounds,
        "a dog,a cat,dog.wav,cat.wav",  # the model knows these
        "a bell,a dog,bell.wav,dog.wav",
        "a cat,a bell,bell.wav,cat.wav",  # the wrong way round
        "dog then cat,cat then dog,dog_cat.wav,cat_dog.wav",  # it hears no order: a tie
    )
    result = evaluate_twins(path, model=ToyEmbedder())
    assert (result.task, result.n, result.data) == ("twins", 4, "twins")
    assert result.metrics == {"text": 0.5, "audio": 0.5, "group": 0.5}
    assert result.details["chance"] == {"text": 0.25, "audio": 0.25, "group": pytest.approx(1 / 6)}
    low, high = result.intervals["group"]
    assert low <= 0.5 <= high
    assert not result.failures


def test_triples_have_scores_of_their_own(sounds: Path) -> None:
    path = table(
        sounds,
        "a dog,a cat,dog.wav,cat.wav,a bell,bell.wav",
        "a dog,a bell,dog.wav,bell.wav,a cat,dog_cat.wav",  # the third is closer to two of them
        "a bell,a cat,bell.wav,cat.wav,,",
        header=f"{HEADER},triplet_caption,triplet_file",
    )
    result = evaluate_twins(path, model=ToyEmbedder())
    assert result.details["n_triples"] == 2
    assert result.metrics["group"] == 1.0
    assert result.metrics["triple_text"] <= 1.0
    assert result.metrics["triple_group"] == pytest.approx(0.5, abs=0.5)
    assert result.details["chance"]["triple_text"] == pytest.approx(1 / 27)


def test_what_cannot_be_used_is_listed(sounds: Path) -> None:
    (sounds / "cat.wav").write_text("no sound")
    path = table(
        sounds,
        "a dog,a cat,dog.wav,cat.wav",
        "a dog,a bell,dog.wav,bell.wav",
        "a dog,a bell,dog.wav,gone.wav",
    )
    result = evaluate_twins(path, sounds, model=ToyEmbedder())
    assert result.n == 1
    told = {str(failure.path): failure.error for failure in result.failures}
    assert set(told) == {
        "twins.csv, line 4, field 'reversed_pair_file'",
        str(sounds / "cat.wav"),
    }
    with pytest.raises(EarShotError, match="no pair could be heard"):
        evaluate_twins(table(sounds, "a dog,a cat,dog.wav,cat.wav"), model=ToyEmbedder())


def test_a_published_clap_is_scored_by_its_own_cosines(sounds: Path, tmp_path: Path) -> None:
    clap_directory(tmp_path / "clap", fused=False)
    path = table(sounds, "a dog barks,rain falls,dog.wav,cat.wav", "rain,glass,bell.wav,dog.wav")
    result = evaluate_twins(path, model=tmp_path / "clap")
    embedder = load(tmp_path / "clap")
    hits = []
    for captions, files in (
        (("a dog barks", "rain falls"), ("dog.wav", "cat.wav")),
        (("rain", "glass"), ("bell.wav", "dog.wav")),
    ):
        heard = np.stack([embedder.embed_audio(sounds / file).mean for file in files])
        s = embedder.embed_texts(captions) @ heard.T
        hits.append(
            (s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1], s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0])
        )
    text, audio = np.mean(hits, axis=0)
    assert result.metrics["text"] == text
    assert result.metrics["audio"] == audio
    assert result.model == embedder.name
