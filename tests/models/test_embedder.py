from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio, AudioError, write_audio
from earshot.core.errors import EarShotError
from earshot.models.embedder import ClipEmbedding, Embedder
from tiny_models import MODELS, RATE, fused_model, seeded, sounds, strip_model

LENGTHS = [8_000, 700, 3_217, 5_000, 4_999, 1_024, 7_999]
TEXTS = ["a dog barks", "", "rain", "a bell rings, then a door is closed and someone walks away"]


@pytest.mark.parametrize("name", MODELS)
def test_batch_size_mates_and_order_change_nothing(name: str) -> None:
    clips = sounds(LENGTHS)
    model = seeded(MODELS[name])
    together = Embedder(model, name, batch_size=16).embed_waveforms(clips)
    alone = np.concatenate([Embedder(model, name).embed_waveforms([clip]) for clip in clips])
    by_twos = Embedder(model, name, batch_size=2).embed_waveforms(clips[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - by_twos).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3  # different sounds differ


@pytest.mark.parametrize("name", MODELS)
def test_what_lies_past_the_end_is_never_heard(name: str) -> None:
    model = seeded(MODELS[name])
    clip = sounds([3_000])[0]
    rows = torch.zeros(2, 6_000)
    rows[:, :3_000] = torch.from_numpy(clip)
    rows[1, 3_000:] = torch.linspace(-1, 1, 3_000)
    with torch.inference_mode():
        quiet, loud = model.embed_audio(rows, torch.tensor([3_000, 3_000]))
    assert (quiet - loud).abs().max() < 1e-6


@pytest.mark.parametrize("name", MODELS)
def test_texts_do_not_depend_on_their_neighbours(name: str) -> None:
    model = seeded(MODELS[name])
    together = Embedder(model, name).embed_texts(TEXTS)
    alone = np.concatenate([Embedder(model, name, batch_size=1).embed_texts([t]) for t in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together[0] - together[3]).max() > 1e-3


def test_word_order_reaches_the_embedding() -> None:
    rows = Embedder(seeded(strip_model), "strip").embed_texts(
        ["a dog barks then a bell rings", "a bell rings then a dog barks"]
    )
    assert np.abs(rows[0] - rows[1]).max() > 1e-4


def test_texts_no_tokenizer_expects_still_embed() -> None:
    rows = Embedder(seeded(strip_model), "strip").embed_texts(
        ["", "x" * 100_000, "звук дождя 雨の音", "tab\tnull\0bell\a", "broken \udcff name"]
    )
    assert np.isfinite(rows).all()
    assert rows.shape == (5, 24)


def test_no_items_give_no_rows() -> None:
    embedder = Embedder(seeded(strip_model), "strip")
    assert embedder.embed_texts([]).shape == (0, 24)
    assert embedder.embed_waveforms([]).shape == (0, 24)
    assert embedder.dim == 24


def test_bf16_is_close_to_fp32() -> None:
    clips = sounds(LENGTHS)
    model = seeded(strip_model)
    full = Embedder(model, "strip").embed_waveforms(clips)
    half = Embedder(model, "strip", precision="bf16").embed_waveforms(clips)
    assert (full * half).sum(1).min() > 0.999
    assert np.abs(full - half).max() > 0  # it did run in bf16


def test_mean_is_the_unit_mean_of_the_windows() -> None:
    windows = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    clip = ClipEmbedding(windows, np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    assert np.allclose(clip.mean, [2**-0.5, 2**-0.5])


def test_fingerprint_follows_weights_front_end_and_windowing() -> None:
    base = Embedder(seeded(strip_model), "a").fingerprint
    assert base == Embedder(seeded(strip_model), "another name").fingerprint
    assert base != Embedder(seeded(strip_model), "a", hop_s=0.5).fingerprint
    assert base != Embedder(seeded(strip_model, seed=1), "a").fingerprint
    assert base != Embedder(seeded(strip_model), "a", precision="bf16").fingerprint
    shifted = seeded(strip_model)
    shifted.features.mel_matrix.mul_(1.01)  # a front end from a checkpoint counts too
    assert base != Embedder(shifted, "a").fingerprint


def test_a_fused_model_takes_a_long_clip_whole() -> None:
    model = seeded(fused_model)
    embedder = Embedder(model, "fused", long_clips="fusion")
    long, short = sounds([3 * RATE, 2_000])
    rows = embedder.embed_waveforms([long, short])
    assert np.abs(rows[0] - embedder.embed_waveforms([long])[0]).max() < 1e-5
    assert np.abs(rows[1] - Embedder(model, "fused").embed_waveforms([short])[0]).max() < 1e-5
    changed = long.copy()
    changed[-RATE // 2 :] = 0.0
    assert np.abs(embedder.embed_waveforms([changed])[0] - rows[0]).max() > 1e-4


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"hop_s": 2.0}, "skip"),
        ({"hop_s": 0.0}, "skip"),
        ({"precision": "fp8"}, "bf16"),
        ({"long_clips": "fusion"}, "windows"),
        ({"long_clips": "crop"}, "windows"),
    ],
)
def test_wrong_options_say_what_to_do(options: dict, word: str) -> None:
    with pytest.raises(EarShotError, match=word):
        Embedder(seeded(strip_model), "strip", **options)


def test_too_long_empty_and_stereo_are_refused() -> None:
    embedder = Embedder(seeded(strip_model), "strip")
    for waveform in (np.zeros(8_001), np.zeros(0), np.zeros((2, 100))):
        with pytest.raises(EarShotError, match="windows"):
            embedder.embed_waveforms([waveform.astype(np.float32)])


def test_broken_weights_are_reported_and_not_returned() -> None:
    model = seeded(strip_model)
    with torch.no_grad():
        model.audio_projection.linear2.bias.fill_(torch.nan)
    with pytest.raises(EarShotError, match="NaN"):
        Embedder(model, "strip").embed_waveforms(sounds([4_000]))


@pytest.mark.parametrize("name", MODELS)
def test_a_file_is_read_in_windows_with_a_stated_hop(name: str, tmp_path: Path) -> None:
    model = seeded(MODELS[name])
    (waveform,) = sounds([round(3.5 * RATE)])
    write_audio(tmp_path / "a clip.wav", waveform, RATE, subtype="FLOAT")
    embedder = Embedder(model, name, batch_size=2)
    clip = embedder.embed_audio(tmp_path / "a clip.wav")
    assert clip.start_s.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert clip.end_s.tolist() == [1.0, 2.0, 3.0, 3.5]
    parts = [waveform[i * RATE : (i + 1) * RATE] for i in range(4)]
    assert np.abs(clip.windows - embedder.embed_waveforms(parts)).max() < 1e-5
    again = Embedder(model, name, batch_size=16).embed_audio(Audio(waveform, RATE))
    assert np.abs(clip.windows - again.windows).max() < 1e-5
    halves = Embedder(model, name, hop_s=0.5).embed_audio(Audio(waveform, RATE))
    assert halves.start_s.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert np.linalg.norm(halves.mean) == pytest.approx(1.0, abs=1e-5)


def test_sound_at_another_rate_is_resampled() -> None:
    embedder = Embedder(seeded(strip_model), "strip")
    fine = np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100).astype(np.float32)
    coarse = np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE).astype(np.float32)
    ours = embedder.embed_audio(Audio(fine, 44_100)).mean
    assert ours @ embedder.embed_audio(Audio(coarse, RATE)).mean > 0.999


def test_a_long_clip_with_fusion_is_one_embedding() -> None:
    embedder = Embedder(seeded(fused_model), "fused", long_clips="fusion")
    clip = embedder.embed_audio(Audio(sounds([5 * RATE])[0], RATE))
    assert clip.windows.shape[0] == 1
    assert clip.end_s.tolist() == [5.0]


def test_unusable_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "not.wav").write_text("hello")
    with pytest.raises(AudioError):
        Embedder(seeded(strip_model), "strip").embed_audio(tmp_path / "not.wav")


def test_all_windows_of_a_long_stream_pass_through_in_batches() -> None:
    embedder = Embedder(seeded(strip_model), "strip", batch_size=4)
    seen: list[int] = []
    embed = embedder.embed_waveforms
    embedder.embed_waveforms = lambda group: seen.append(len(group)) or embed(group)  # type: ignore
    embedder.embed_audio(Audio(sounds([10 * RATE])[0], RATE))
    assert seen == [4, 4, 2]
