from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from earshot.audio import write_audio
from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import open_clips
from earshot.jobs.loading import load
from earshot.jobs.transcribe import Transcriber, Word, load_transcriber, transcribe
from earshot.models.recognizer import Heard
from earshot.recipes import ainu_adaptation
from earshot.text.vocabulary import Vocabulary
from recipes.tiny_ainu import tiny_sound_config, write_languages


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that knows its tones; their files lie beside it."""
    folder = tmp_path_factory.mktemp("transcribe")
    manifest = write_languages(folder / "sounds", 48)
    config = tiny_sound_config(steps=300)
    config = replace(config, base_fit=replace(config.base_fit, steps=5), frozen=0.0)
    config = replace(config, continued_fit=config.base_fit)
    ainu_adaptation.run(config, open_clips(manifest), folder / "run")
    return folder / "run"


def test_what_is_said_is_written_whatever_the_mates(run: Path) -> None:
    sounds = run.parent / "sounds"
    together = transcribe(sounds, model=run)
    assert len(together) == 48
    assert not together.failures
    [alone] = transcribe(sounds / "05.wav", model=run)
    assert alone == together[5]
    manifest = (sounds / "clips.csv").read_text().splitlines()[1:]
    said = [line.split(",")[1].lower() for line in manifest]
    right = [each.text == text for each, text in zip(together, said, strict=True) if text]
    assert np.mean(right) > 0.8


class Echo:
    """In the place of a recogniser: its symbols are the levels of the sound, one each 20 ms."""

    sample_rate, window_s, seconds_a_position = 1_000, 2.0, 0.02

    def hear(self, waveform: torch.Tensor, n_samples: torch.Tensor) -> Heard:
        levels = (waveform[:, 10::20] * 10).round().long()
        return Heard(
            torch.nn.functional.one_hot(levels, 6).float(), torch.tensor([levels.shape[1]])
        )


@pytest.mark.parametrize("n_positions", [1, 60, 99, 100, 101, 119, 180, 181, 333])
def test_a_long_sound_is_heard_once_everywhere(n_positions: int, tmp_path: Path) -> None:
    """Windows of 100 positions that overlap: no position is lost, and none is heard twice."""
    symbols = generator(n_positions, "echo").integers(0, 6, n_positions)
    sound = np.repeat(symbols / 10, 20)
    write_audio(tmp_path / "long.wav", sound, 1_000, subtype="FLOAT")
    echo = Transcriber(Echo(), ("", " ", "a", "b", "c", "d"))  # type: ignore[arg-type]
    found = echo.transcribe(tmp_path / "long.wav")
    joined = [s for i, s in enumerate(symbols) if s and (i == 0 or symbols[i - 1] != s)]
    assert found.text == " ".join("".join(echo.symbols[s] for s in joined).split())
    assert found.duration_s == pytest.approx(0.02 * n_positions)
    starts = [each.start_s for each in found.words]
    assert starts == sorted(starts)


def test_words_are_what_spaces_part_and_last_from_first_to_last_position(run: Path) -> None:
    model = load_transcriber(run).model
    letters = Transcriber(model, ("", " ", "a", "b"))
    best = [(0.02 * i, symbol) for i, symbol in enumerate([0, 2, 2, 0, 2, 3, 1, 0, 1, 3, 3, 0])]
    assert letters.words(best, 0.21) == (Word("aab", 0.02, 0.12), Word("b", 0.18, 0.21))
    phones = Transcriber(model, ("", "p1 ", "p2 "))
    said = phones.words([(0.0, 1), (0.1, 1), (0.2, 0), (0.3, 1), (0.4, 2)], 1.0)
    assert [each.word for each in said] == ["p1", "p1", "p2"]
    assert letters.words([], 1.0) == ()


def test_short_and_silent_sounds_are_heard_too(run: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "one.wav", np.array([0.1]), 8_000)
    write_audio(tmp_path / "still.wav", np.zeros(4_000), 8_000)
    answers = transcribe([tmp_path / "one.wav", tmp_path / "still.wav"], model=run)
    assert [each.duration_s for each in answers] == [1 / 8_000, 0.5]
    assert not answers.failures


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(run: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    files = [tmp_path / "bad.wav", run.parent / "sounds" / "00.wav", tmp_path / "none.wav"]
    answers = transcribe(files, model=run)
    assert [each.path for each in answers] == [files[1]]
    assert [each.path for each in answers.failures] == [files[0], files[2]]


def test_the_run_embeds_as_well(run: Path) -> None:
    embedder = load(run)
    [row] = embedder.embed_waveforms([np.sin(np.arange(8_000) * 0.3).astype(np.float32)])
    assert row.shape == (32,)
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


def test_a_published_recogniser_writes_what_the_library_writes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = Wav2Vec2ForCTC(
        Wav2Vec2Config(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            conv_dim=(16,) * 7, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4,
            vocab_size=6, pad_token_id=5,
        )
    ).eval()  # fmt: skip
    made.save_pretrained(tmp_path / "model")
    tokens = ["a", "b", "|", "c", "<unk>", "<pad>"]
    (tmp_path / "model" / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    waveform = torch.randn(16_000, generator=torch.Generator().manual_seed(3)) * 0.1
    write_audio(tmp_path / "sound.wav", waveform.numpy(), 16_000, subtype="FLOAT")
    [answer] = transcribe(tmp_path / "sound.wav", model=tmp_path / "model")
    level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
    with torch.inference_mode():
        ids = torch.unique_consecutive(made(level[None]).logits[0].argmax(-1)).tolist()
    letters = "".join({0: "a", 1: "b", 2: " ", 3: "c"}.get(each, "") for each in ids)
    assert answer.text == " ".join(letters.split())


def test_models_that_recognise_nothing_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="device 'nothing'"):
        load_transcriber(run, device="nothing")
    with pytest.raises(EarShotError, match="holds no recogniser"):
        load_transcriber(tmp_path)
    config = tiny_sound_config()
    save_checkpoint(tmp_path / "bare", "ainu_adaptation", config, ainu_adaptation.build(config))
    with pytest.raises(EarShotError, match="a model that recognises speech"):
        load_transcriber(tmp_path / "bare")
    other = ainu_adaptation.build(replace(config, n_symbols=9))
    words = {"vocabulary": Vocabulary("characters", "ab").to_dict()}
    save_checkpoint(tmp_path / "mixed", "ainu_adaptation", config, other, words)
    with pytest.raises(EarShotError, match=r"head\.(bias|weight) of shape"):
        load_transcriber(tmp_path / "mixed")
