from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.models.two_tower import TwoTower
from earshot.training.fit import FitConfig
from earshot.training.transfer import TransferConfig, Transferred, few_of_each, transfer
from recipes.power_cut import power_cut
from tiny_models import cnn_model, seeded
from tone_clips import tone_clips

FIT = FitConfig(steps=40, learning_rate=3e-3, warmup_steps=0, schedule="constant")


def encoder(seed: int = 0) -> TwoTower:
    return seeded(cnn_model, seed)


def learn(model: TwoTower, out: Path, steps: int = 60, **changes: object) -> Transferred:
    config = replace(TransferConfig(fit=replace(FIT, steps=steps), batch_size=8), **changes)
    clips = tone_clips(4, duration_s=0.5)
    return transfer(model, clips.split("train"), clips.split("test"), config, out)


@pytest.mark.parametrize("mode", ["scratch", "fine_tune"])
def test_all_of_it_learns_tones(mode: str, tmp_path: Path) -> None:
    model = encoder()
    before = model.audio_encoder.conv_block1.conv1.weight.clone()
    found = learn(model, tmp_path, mode=mode)
    assert found.figures["accuracy"] == found.figures["balanced_accuracy"] > 0.8
    assert found.figures["chance"] == 0.25
    assert not torch.equal(model.audio_encoder.conv_block1.conv1.weight, before)
    assert found.logits.shape == (16, 4)


@pytest.mark.parametrize("hidden_dims", [(), (16, 8)])
def test_a_frozen_encoder_stays_as_it_was(hidden_dims: tuple[int, ...], tmp_path: Path) -> None:
    model = encoder().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = learn(model, tmp_path, steps=300, mode="frozen", hidden_dims=hidden_dims)
    assert found.figures["accuracy"] > 0.7
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    files = [path for path in tmp_path.rglob("*.safetensors") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < 20_000  # heads, not encoders


def test_the_head_hears_standardised_vectors_of_the_training_clips(tmp_path: Path) -> None:
    found = learn(encoder(), tmp_path, mode="frozen")
    model, clips = found.model, tone_clips(4, duration_s=0.5).split("train")
    waveform = torch.stack([torch.from_numpy(clip.audio.waveform) for clip in clips])
    with torch.no_grad():
        vectors = model.encoder.eval().audio_hidden(waveform, torch.full((16,), 4_000))
    assert torch.allclose(model.mean, vectors.mean(0), atol=1e-4)
    assert torch.allclose(model.spread, vectors.std(0, correction=0).clamp(min=1e-6), atol=1e-4)
    by_hand = model.head((vectors - model.mean) / model.spread)
    assert torch.allclose(model.answer(vectors), by_hand)


@pytest.mark.parametrize("mode", ["fine_tune", "frozen"])
def test_one_that_was_cut_short_ends_the_same(mode: str, tmp_path: Path) -> None:
    config = TransferConfig(mode=mode, fit=replace(FIT, steps=6, checkpoint_every=2), batch_size=8)
    clips = tone_clips(3, duration_s=0.5)
    parts = clips.split("train"), clips.split("test")
    whole = transfer(encoder(), *parts, config, tmp_path / "whole")
    with power_cut(4):
        transfer(encoder(), *parts, config, tmp_path / "cut")
    again = transfer(encoder(), *parts, config, tmp_path / "cut", resume=True)
    assert np.array_equal(whole.logits, again.logits)


def test_few_clips_are_part_of_more() -> None:
    clips = tone_clips(9).split("train")
    two, five = few_of_each(clips, 2, seed=3), few_of_each(clips, 5, seed=3)
    assert [len(two), len(five)] == [8, 20]
    assert {clip.id for clip in two} < {clip.id for clip in five}
    assert all(sum(clip.labels == (label,) for clip in two) == 2 for label in clips.labels)
    assert {clip.id for clip in few_of_each(clips, 2, seed=4)} != {clip.id for clip in two}


def test_a_clip_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    clips = tone_clips(3, duration_s=0.5)
    (tmp_path / "bad.wav").write_bytes(b"not a sound")
    bad = Clip(tmp_path / "bad.wav", labels=("cat",), id="bad")
    test = ClipSet([*clips.split("test"), bad], labels=clips.labels)
    config = TransferConfig(mode="frozen", fit=replace(FIT, steps=2), batch_size=8)
    found = transfer(encoder(), clips.split("train"), test, config, tmp_path / "run")
    assert len(found.logits) == 12
    assert "bad" in found.faults[0]


def test_what_cannot_be_learnt_is_refused(tmp_path: Path) -> None:
    clips = tone_clips(2, duration_s=0.5)
    train, test = clips.split("train"), clips.split("test")
    sound = Audio(np.full(800, 0.1, np.float32), 8_000)
    both = ClipSet([*train, Clip(sound, labels=("cat", "dog"), id="two")], labels=train.labels)
    with pytest.raises(EarShotError, match="two with 2 labels"):
        transfer(encoder(), both, test, TransferConfig(), tmp_path)
    fewer = train.select(lambda clip: clip.labels != ("bell",))
    with pytest.raises(EarShotError, match="'bell' not among them"):
        transfer(encoder(), fewer, test, TransferConfig(), tmp_path)
    with pytest.raises(EarShotError, match="scratch, fine_tune or frozen"):
        TransferConfig(mode="half")
    with pytest.raises(EarShotError, match="at least 2 clips"):
        TransferConfig(batch_size=1)
