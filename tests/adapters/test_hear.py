"""HEAR's API: what its validator checks, and that rows are those of the jobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import earshot
from earshot.adapters import hear
from earshot.audio import read_audio, write_audio
from earshot.core.errors import EarShotError
from earshot.models.embedder import Embedder
from tiny_models import MODELS, encoder_alone, seeded, sounds


@pytest.fixture(scope="module", params=["strip", "htsat"])
def model(request: pytest.FixtureRequest) -> hear.Model:
    return hear.Model(Embedder(seeded(MODELS[request.param]), request.param))


def noise(n_sounds: int, seconds: float, rate: int) -> torch.Tensor:
    return torch.from_numpy(np.stack(sounds([int(seconds * rate)] * n_sounds)))


def test_sizes_are_attributes(model: hear.Model) -> None:
    assert isinstance(model, torch.nn.Module)
    assert model.sample_rate == 16_000  # the next that HEAR has above the model's 8 kHz
    assert model.scene_embedding_size == model.timestamp_embedding_size == 24
    assert sum(value.numel() for value in model.parameters()) > 0
    assert model.to("cpu").embedder.device == torch.device("cpu")


def test_scenes_are_what_the_jobs_give(model: hear.Model, tmp_path: Path) -> None:
    audio = noise(3, 2.7, model.sample_rate)
    rows = hear.get_scene_embeddings(audio, model)
    assert rows.dtype == torch.float32
    assert rows.shape == (3, model.scene_embedding_size)
    write_audio(tmp_path / "one.wav", audio[1].numpy(), model.sample_rate, subtype="FLOAT")
    [job] = earshot.embed(tmp_path / "one.wav", model=model.embedder)
    np.testing.assert_allclose(rows[1], job.vector, atol=1e-5)
    torch.testing.assert_close(model(audio[:1]), rows[:1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("seconds", [0.3, 1.07, 1.98])
def test_times_are_even_and_reach_the_end(model: hear.Model, seconds: float) -> None:
    audio = noise(2, seconds, model.sample_rate)
    rows, times_ms = hear.get_timestamp_embeddings(audio, model)
    assert rows.dtype == times_ms.dtype == torch.float32
    assert rows.shape == (2, times_ms.shape[1], model.timestamp_embedding_size)
    assert times_ms[0, 0] == 0
    assert (times_ms.diff() == 50).all()
    assert 1_000 * seconds - 50 <= times_ms.max() <= 1_000 * seconds
    torch.testing.assert_close(rows.norm(dim=2), torch.ones(rows.shape[:2]))


def test_a_row_is_of_the_second_around_its_time(model: hear.Model) -> None:
    audio = noise(1, 3.0, model.sample_rate)
    rows, times_ms = hear.get_timestamp_embeddings(audio, model)
    own = read_audio(audio[0].numpy(), source_rate=model.sample_rate, sample_rate=8_000).waveform
    at = int((times_ms[0] == 1_500).nonzero())
    expected = model.embedder.embed_waveforms([own[8_000:16_000]])[0]
    np.testing.assert_allclose(rows[0, at], expected, atol=1e-5)
    first = model.embedder.embed_waveforms([own[:4_000]])[0]
    np.testing.assert_allclose(rows[0, 0], first, atol=1e-5)


def test_an_encoder_alone_gives_its_states_over_time() -> None:
    model = hear.Model(Embedder(seeded(encoder_alone), "ears"))
    assert model.scene_embedding_size == model.timestamp_embedding_size == 16
    assert model.to("cpu").embedder.device == torch.device("cpu")
    audio = noise(2, 2.3, model.sample_rate)
    rows, times_ms = hear.get_timestamp_embeddings(audio, model)
    assert rows.shape == (2, times_ms.shape[1], 16)
    assert times_ms[0, -1] == 2_300
    found = model.reader.read(read_audio(audio[1].numpy(), source_rate=model.sample_rate))
    at = int(np.flatnonzero(found.start_s <= 1.5)[-1])
    state = found.windows[at] / np.linalg.norm(found.windows[at])
    np.testing.assert_allclose(rows[1, 30], state, atol=1e-5)


def test_a_stated_hop(model: hear.Model) -> None:
    coarse = hear.Model(model.embedder, hop_ms=400)
    _, times_ms = hear.get_timestamp_embeddings(noise(1, 1.0, coarse.sample_rate), coarse)
    assert times_ms.tolist() == [[0, 400, 800]]


def test_any_model_by_path_and_the_shipped_one_without(
    monkeypatch: pytest.MonkeyPatch, model: hear.Model
) -> None:
    asked: list[tuple[str, ...]] = []

    def load(*names: str) -> Embedder:
        asked.append(names)
        return model.embedder

    monkeypatch.setattr(hear, "load", load)
    hear.load_model("runs/clap")
    hear.load_model()
    assert asked == [("runs/clap",), ()]


def test_every_mend(model: hear.Model) -> None:
    with pytest.raises(EarShotError, match="hop_ms=0"):
        hear.Model(model.embedder, hop_ms=0)
    with pytest.raises(EarShotError, match="Mix down to mono"):
        hear.get_scene_embeddings(torch.zeros(16_000), model)
    with pytest.raises(EarShotError, match="no sound"):
        hear.get_scene_embeddings(torch.zeros(0, 16_000), model)
    with pytest.raises(EarShotError):
        hear.get_timestamp_embeddings(torch.full((1, 16_000), torch.nan), model)
