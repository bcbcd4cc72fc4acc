"""`Encoder.encode`: what the type of an input decides, and that rows are those of the jobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import earshot
from earshot.adapters.encoder import Encoder
from earshot.audio import Audio, AudioError
from earshot.core.errors import EarShotError
from earshot.models.embedder import Embedder
from tiny_models import MODELS, RATE, seeded, sounds
from toy_embedder import RATE as TONE_RATE
from toy_embedder import ToyEmbedder, tone, write_tones


@pytest.fixture(scope="module")
def real() -> Embedder:
    return Embedder(seeded(MODELS["strip"]), "strip")


@pytest.fixture
def toy() -> Encoder:
    return Encoder(ToyEmbedder())


def test_a_str_is_a_text_and_a_path_a_sound(toy: Encoder, tmp_path: Path) -> None:
    write_tones(tmp_path, {"dog.wav": ("dog",)})
    text, sound = toy.encode(["a dog", tmp_path / "dog.wav"])
    assert text @ sound == pytest.approx(1.0, abs=0.01)
    as_path = toy.encode(str(tmp_path / "dog.wav"), modality="audio")
    np.testing.assert_array_equal(as_path, sound)


def test_every_form_of_a_sound_gives_one_row(toy: Encoder, tmp_path: Path) -> None:
    write_tones(tmp_path, {"bell.wav": ("bell", "dog", "bell")})
    path = tmp_path / "bell.wav"
    waveform = tone("bell", "dog", "bell")
    forms = [
        path,
        path.read_bytes(),
        Audio(waveform, TONE_RATE),
        {"array": waveform, "sampling_rate": TONE_RATE},
        {"bytes": path.read_bytes(), "path": None},
        {"bytes": None, "path": str(path)},
    ]
    rows = toy.encode(forms)
    stereo = toy.encode(np.stack([waveform, waveform]), sample_rate=TONE_RATE)
    tensor = toy.encode(torch.from_numpy(waveform), sample_rate=TONE_RATE)
    for row in [*rows, stereo, tensor]:
        np.testing.assert_allclose(row, rows[0], atol=1e-3)  # the file has 16 bits


def test_rows_are_those_of_earshot_embed(real: Embedder, tmp_path: Path) -> None:
    waveform = sounds([int(2.5 * RATE)])[0]
    earshot.audio.write_audio(tmp_path / "long.wav", waveform, RATE)
    [job] = earshot.embed(tmp_path / "long.wav", model=real)
    encoder = Encoder(real)
    row = encoder.encode(tmp_path / "long.wav")
    np.testing.assert_allclose(row, job.vector, atol=1e-6)
    loose = encoder.encode(tmp_path / "long.wav", normalize_embeddings=False)
    assert np.linalg.norm(loose) < 1 - 1e-4  # three windows that differ
    np.testing.assert_allclose(loose / np.linalg.norm(loose), row, atol=1e-6)


def test_batch_size_changes_speed_alone(real: Embedder) -> None:
    encoder, clips = Encoder(real), sounds([8_000, 4_000, 6_000, 900, 7_999])
    given = [Audio(clip, RATE) for clip in clips] + ["rain", "a dog barks far away"]
    one, many = encoder.encode(given, batch_size=1), encoder.encode(given, batch_size=64)
    np.testing.assert_allclose(one, many, atol=1e-5)
    assert real.batch_size == 16
    np.testing.assert_allclose(encoder.encode(given[2]), one[2], atol=1e-5)


def test_similarity_is_the_cosine(toy: Encoder) -> None:
    texts = toy.encode(["a dog", "a cat", "rain"], convert_to_tensor=True)
    assert isinstance(texts, torch.Tensor)
    cosines = toy.similarity(texts * 7, texts)
    torch.testing.assert_close(cosines, texts @ texts.T)
    torch.testing.assert_close(toy.similarity_pairwise(texts, texts), torch.ones(3))
    assert toy.similarity(texts[0], texts).shape == (1, 3)
    assert toy.get_embedding_dimension() == toy.dim == texts.shape[1]


def test_a_column_is_a_list(toy: Encoder) -> None:
    texts = ["a dog", "a cat"]
    expected = toy.encode(texts)
    np.testing.assert_array_equal(toy.encode(np.array(texts)), expected)
    np.testing.assert_array_equal(toy.encode(iter(texts)), expected)
    pandas = pytest.importorskip("pandas", reason="needs pip install pandas")
    np.testing.assert_array_equal(toy.encode(pandas.Series(texts)), expected)


def test_nothing_gives_no_rows(toy: Encoder) -> None:
    assert toy.encode([]).shape == (0, toy.dim)


def test_progress_is_shown_when_asked(toy: Encoder, capsys: pytest.CaptureFixture[str]) -> None:
    toy.encode(["a dog", "a cat"])
    assert "2/2" not in capsys.readouterr().err
    toy.encode(["a dog", "a cat"], show_progress_bar=True)
    assert "2/2" in capsys.readouterr().err


def test_every_mend(toy: Encoder, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="Did you mean 'audio'"):
        toy.encode("a dog", modality="audi")
    with pytest.raises(EarShotError, match="batch_size=0"):
        toy.encode("a dog", batch_size=0)
    with pytest.raises(AudioError, match="without its sample rate"):
        toy.encode(tone("dog"))
    with pytest.raises(AudioError, match="a int"):
        toy.encode([3])
    with pytest.raises(AudioError, match="without array and sampling_rate"):
        toy.encode([{"samples": [0.0]}])
    with pytest.raises(EarShotError, match="input 0, a PosixPath, as text"):
        toy.encode([Path("dog.wav")], modality="text")
    with pytest.raises(EarShotError, match=r"sound number 1, .*nothing\.wav.*earshot\.embed"):
        toy.encode([Audio(tone("dog"), TONE_RATE), tmp_path / "nothing.wav"])
    with pytest.raises(EarShotError, match=r"shape \[1, 6\]"):
        toy.similarity_pairwise(np.ones((2, 6)), np.ones((1, 6)))
