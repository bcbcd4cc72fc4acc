"""MTEB's encoder interface: its batch format always, MTEB itself where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from earshot.adapters.mteb import MtebEncoder, as_columns, leaderboard_name
from earshot.core.errors import EarShotError
from earshot.models.embedder import Embedder
from tiny_models import MODELS, seeded
from toy_embedder import RATE, TONES, ToyEmbedder, tone, write_tones

WORDS = [*TONES] * 2


def heard(word: str) -> dict[str, Any]:
    """A sound as MTEB hands it over."""
    return {"array": tone(word), "sampling_rate": RATE}


@pytest.fixture
def encoder() -> MtebEncoder:
    return MtebEncoder(ToyEmbedder())


def test_batches_of_sounds_find_their_texts(encoder: MtebEncoder) -> None:
    batches = [{"audio": [heard(w) for w in WORDS[i : i + 3]]} for i in range(0, len(WORDS), 3)]
    sounds = encoder.encode(
        batches, task_metadata=None, hf_split="test", hf_subset="default", batch_size=2
    )
    texts = encoder.encode(
        [{"text": [f"a {word}" for word in TONES]}],
        task_metadata=None,
        hf_split="test",
        hf_subset="default",
        prompt_type="query",
    )
    assert sounds.shape == (10, 6)
    best = encoder.similarity(sounds, texts).argmax(1)
    assert best.tolist() == [0, 1, 2, 3, 4] * 2
    pairwise = encoder.similarity_pairwise(sounds[:5], texts)
    assert pairwise.shape == (5,)
    assert (pairwise > 0.99).all()


def test_an_input_of_both_lies_between_them(encoder: MtebEncoder) -> None:
    both = encoder.encode([{"audio": [heard("dog")], "text": ["a bell"], "label": [0]}])
    one = encoder.encode([{"audio": [heard("dog")]}])
    other = encoder.encode([{"text": ["a bell"]}])
    expected = (one + other) / np.linalg.norm(one + other)
    np.testing.assert_allclose(both, expected, atol=1e-6)


def test_a_loader_of_files_needs_no_other_decoder(encoder: MtebEncoder, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write_tones(tmp_path, {f"{i}.wav": (word,) for i, word in enumerate(WORDS)})
    paths = [str(tmp_path / f"{i}.wav") for i in range(len(WORDS))]
    rows = datasets.Dataset.from_dict({"audio": paths, "label": list(range(len(WORDS)))})
    rows = rows.cast_column("audio", datasets.Audio())  # as MTEB's tasks have it
    found = encoder.encode(DataLoader(rows, batch_size=4))
    expected = encoder.encode([{"audio": [heard(word) for word in WORDS]}])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_rows_become_columns() -> None:
    assert as_columns([{"a": 1, "b": 2}, {"a": 3, "b": 4}]) == {"a": [1, 3], "b": [2, 4]}


def test_names_on_the_leaderboard() -> None:
    assert leaderboard_name("laion/clap-htsat-unfused") == "laion/clap-htsat-unfused"
    assert leaderboard_name("earshot-small") == "earshot/earshot-small"
    assert leaderboard_name("/home/me/runs/my clap") == "earshot/my-clap"


def test_every_mend(encoder: MtebEncoder) -> None:
    with pytest.raises(EarShotError, match="a batch of image"):
        encoder.encode([{"image": [0]}])
    with pytest.raises(EarShotError, match="revision 'main'"):
        MtebEncoder(ToyEmbedder(), "main")
    assert encoder.encode([]).shape == (0, 6)


def test_mteb_runs_a_task_of_sounds(tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb", reason="mteb is not installed: pip install mteb")
    pytest.importorskip("datasets")
    from mteb_task import Tones

    write_tones(tmp_path, {f"{word}{i}.wav": (word,) for i in range(2) for word in TONES})
    encoder = MtebEncoder(ToyEmbedder())
    from mteb.models import EncoderProtocol

    assert isinstance(encoder, EncoderProtocol)
    result = mteb.evaluate(
        encoder, Tones(tmp_path), cache=None, show_progress_bar=False, encode_kwargs={}
    )
    [scores] = result.task_results[0].scores["test"]
    assert scores["accuracy"] == 1.0
    meta = MtebEncoder(Embedder(seeded(MODELS["strip"]), "/home/me/runs/strip")).mteb_model_meta
    assert (meta.name, meta.embed_dim) == ("earshot/strip", 24)
    assert meta.n_parameters == sum(p.numel() for p in seeded(MODELS["strip"]).parameters())
    assert torch.is_tensor(encoder.similarity(np.eye(6), np.eye(6)))
