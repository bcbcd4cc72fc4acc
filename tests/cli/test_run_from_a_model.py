"""earshot run KEY --model: training that goes on from a trained model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig
from earshot.features import LogMelConfig
from earshot.jobs import starting
from earshot.jobs.caption import load_captioner
from earshot.jobs.loading import load
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.embedder import Embedder
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.start import Start
from earshot.recipes import clap
from earshot.synth.combinations import combination_clips
from published import clap_directory
from recipes.tiny_clap import tiny_config


def earshot(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


def manifest(folder: Path) -> Path:
    rows = []
    for clip in combination_clips(0, tiny_config().toy)[:20]:
        write_audio(folder / f"{clip.id}.wav", clip.audio.waveform, clip.audio.sample_rate)
        rows.append({"audio": f"{clip.id}.wav", "captions": list(clip.captions)})
    path = folder / "clips.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


FEW = ("--set", "fit.steps=2", "--set", "batch_size=4", "--json")


def test_a_run_of_ours_goes_on(tmp_path: Path) -> None:
    first = tmp_path / "first"
    clap.run(tiny_config(steps=2), combination_clips(0, tiny_config().toy), first)
    out = str(tmp_path / "second")
    data = ("--data", str(manifest(tmp_path)))
    result = earshot("run", "clap", "--model", str(first), *data, "--out", out, *FEW)
    assert result.exit_code == 0, result.output
    one, two = load(first), load(out)
    tensors = zip(one.model.parameters(), two.model.parameters(), strict=True)
    moved = max(float((a - b).detach().abs().max()) for a, b in tensors)
    assert 0 < moved < 0.05  # two small steps from where it was, and not from random weights
    row = json.loads(result.stdout.strip().splitlines()[-1])
    again = earshot("run", "clap", "--resume", *data, "--out", out, "--json")
    assert json.loads(again.stdout.strip().splitlines()[-1]) == row


def test_a_clap_folder_of_transformers_stays_one(tmp_path: Path) -> None:
    clap_directory(tmp_path / "published", fused=False)
    data = ("--data", str(manifest(tmp_path)))
    out = tmp_path / "run"
    model = ("--model", str(tmp_path / "published"))
    result = earshot("run", "clap", *model, *data, "--out", str(out), *FEW)
    assert result.exit_code == 0, result.output
    assert json.loads((out / "config.json").read_text())["model_type"] == "clap"
    before, after = load(tmp_path / "published"), load(out)
    difference = np.abs(before.embed_texts(["a dog"]) - after.embed_texts(["a dog"])).max()
    assert 0 < difference < 0.5


def test_a_start_that_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    result = earshot("run", "clap", "--model", "nobody", "--out", str(tmp_path / "run"))
    assert isinstance(result.exception, EarShotError)
    assert not (tmp_path / "run").exists()


def test_another_start_is_not_resumed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        clap.run(tiny_config(steps=1), None, tmp_path / name)
    data = ("--data", str(manifest(tmp_path)), "--out", str(tmp_path / "run"))
    first = earshot("run", "clap", "--model", str(tmp_path / "one"), *data, *FEW)
    assert first.exit_code == 0, first.output
    other = earshot("run", "clap", "--model", str(tmp_path / "two"), *data, "--resume")
    assert isinstance(other.exception, EarShotError)
    assert "another start" in str(other.exception)


def test_a_start_keeps_its_own_words(tmp_path: Path) -> None:
    """Public text weights are for towers that begin at random: they replace no trained one."""
    config = tiny_config(steps=1)
    clap.run(config, None, tmp_path / "one")
    model = load(tmp_path / "one").model
    start = Start("one", model, config.model)
    asked = replace(config, text_weights=str(tmp_path / "nowhere"))
    assert clap.run(asked, None, tmp_path / "two", start=start).values["loss"] > 0


def trained_encoder(window_s: float = 2.0) -> SoundEncoder:
    """A CNN that hears and knows no words."""
    torch.manual_seed(3)
    sizes = CnnConfig(32, (8, 16), n_pools=2, dim=24, n_classes=0)
    features = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=64, n_mels=32, f_max=4_000.0)
    config = SoundEncoderConfig(AudioTower(cnn=sizes), features=features, window_s=window_s)
    return build_sound_encoder(config)


def test_a_two_tower_model_hears_with_a_trained_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = trained_encoder()
    monkeypatch.setattr(starting, "load", lambda name: Embedder(ears, str(name)))
    data = ("--data", str(manifest(tmp_path)))
    out = tmp_path / "run"
    asked = ("--audio-model", "ears", *data, "--out", str(out), *FEW)
    result = earshot("run", "clap", *asked, "--set", "fit.learning_rate=1e-6")
    assert result.exit_code == 0, result.output
    found = load(out).model
    assert found.features.config == ears.features.config
    assert found.window_s == 2.0
    own = dict(ears.audio_encoder.named_parameters())
    for name, value in found.audio_encoder.named_parameters():
        torch.testing.assert_close(value, own[name], atol=1e-4, rtol=0)
    row = json.loads(result.stdout.strip().splitlines()[-1])
    again = earshot("run", "clap", "--resume", *data, "--out", str(out), "--json")
    assert json.loads(again.stdout.strip().splitlines()[-1]) == row


def test_one_start_and_one_that_has_an_encoder(tmp_path: Path) -> None:
    both = earshot("run", "clap", "--model", "a", "--audio-model", "b", "--out", str(tmp_path))
    assert isinstance(both.exception, EarShotError)
    assert "--model a and --audio-model b" in str(both.exception)
    whole = earshot("run", "clap", "--audio-model", "earshot-small", "--out", str(tmp_path / "x"))
    assert isinstance(whole.exception, EarShotError)
    assert "earshot-small as an audio encoder" in str(whole.exception)


def test_clips_are_cropped_to_what_the_encoder_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = trained_encoder(window_s=0.5)
    monkeypatch.setattr(starting, "load", lambda name: Embedder(ears, str(name)))
    out = tmp_path / "run"
    data = ("--data", str(manifest(tmp_path)))
    result = earshot("run", "clap", "--audio-model", "ears", *data, "--out", str(out), *FEW)
    assert result.exit_code == 0, result.output
    assert load(out).model.window_s == 0.5


def test_a_captioner_hears_with_an_encoder_that_was_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = trained_encoder(window_s=0.5)
    monkeypatch.setattr(starting, "load", lambda name: Embedder(ears, str(name)))
    out = tmp_path / "run"
    few = ["n_toy=20", "mixups=none", "mixup_fit.steps=1", "fit.steps=1", "batch_size=4"]
    few += ["beam.max_tokens=4", "nucleus.n_samples=1", "nucleus.max_tokens=4"]
    words = [word for each in few for word in ("--set", each)]
    asked = ("--audio-model", "ears", "--out", str(out), "--json", *words)
    result = earshot("run", "beats_bart", *asked)
    assert result.exit_code == 0, result.output
    found = load_captioner(out)
    assert found.window_s == 4.0  # its own: that encoder takes any length
    own = dict(ears.audio_encoder.state_dict())
    for name, value in found.encoder.audio_encoder.state_dict().items():  # type: ignore[attr-defined]
        assert torch.equal(value, own[name])
    row = json.loads(result.stdout.strip().splitlines()[-1])
    assert "encoder_loss" not in row["values"]
    again = earshot("run", "beats_bart", "--resume", "--out", str(out), "--json")
    assert json.loads(again.stdout.strip().splitlines()[-1]) == row
    whole = earshot("run", "beats_bart", "--model", "ears", "--out", str(tmp_path / "other"))
    assert "Pass it as --audio-model" in str(whole.exception)
