from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.embed import embed, save_embeddings
from earshot.jobs.vector_file import check_out
from earshot.models.embedder import Embedder
from tiny_models import encoder_alone, seeded
from toy_embedder import ToyEmbedder, write_tones

ODD = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_tones(tmp_path, {"a.wav": ("dog", "cat"), ODD: ("rain",)})
    return tmp_path


def test_a_vector_a_sound_or_a_window(sounds: Path) -> None:
    model = ToyEmbedder()
    whole = embed(sounds, model=model)
    assert [(each.path.name, each.start_s, each.end_s) for each in whole] == [
        ("a.wav", 0.0, 2.0),
        (ODD, 0.0, 1.0),
    ]
    parts = embed([sounds / "a.wav"], model=model, per_window=True)
    assert [(each.start_s, each.end_s) for each in parts] == [(0.0, 1.0), (1.0, 2.0)]
    mean = (parts[0].vector + parts[1].vector) / 2
    assert whole[0].vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_files_hold_what_was_embedded(sounds: Path) -> None:
    model = ToyEmbedder()
    found = embed(sounds, model=model)
    vectors = found.embeddings
    assert vectors.shape == (2, model.dim)
    save_embeddings(sounds / "x.npz", found, model)
    with np.load(sounds / "x.npz", allow_pickle=False) as stored:
        assert (stored["vector"] == vectors).all()
        assert stored["path"][1].endswith("caf\\xe9.wav")
        assert str(stored["fingerprint"]) == model.fingerprint
    save_embeddings(sounds / "x.parquet", found, model)
    table = parquet.read_table(sounds / "x.parquet")
    assert (np.stack(table["vector"].to_pylist()) == vectors).all()
    assert table["end_s"].to_pylist() == [2.0, 1.0]
    assert table.schema.metadata[b"fingerprint"].decode() == model.fingerprint


def test_nothing_embedded_makes_an_empty_file_of_the_right_shape(sounds: Path) -> None:
    save_embeddings(sounds / "x.npz", [], ToyEmbedder())
    with np.load(sounds / "x.npz") as stored:
        assert stored["vector"].shape == (0, ToyEmbedder.dim)


def test_another_suffix_is_refused() -> None:
    with pytest.raises(EarShotError, match=r"\.npz or \.parquet"):
        check_out(Path("x.csv"))


def test_frames_are_states_over_time(sounds: Path, tmp_path: Path) -> None:
    ears = Embedder(seeded(encoder_alone), "ears")
    frames = embed([sounds / "a.wav"], model=ears, layer=-1)
    assert len(frames) > 10
    assert frames[0].start_s == 0.0
    assert frames[-1].end_s == pytest.approx(2.0)
    assert np.linalg.norm(frames[3].vector) != pytest.approx(1.0, abs=1e-3)
    (sounds / "bad.wav").write_bytes(b"no sound")
    answers = embed(sounds, model=ears, layer=0)
    assert [failure.path.name for failure in answers.failures] == ["bad.wav"]
    assert {each.path.name for each in answers} == {"a.wav", ODD}
