"""The captioner that ships: it loads, names what it hears, is modest, and fits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import earshot
from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.jobs.caption import CaptionWriter, load_writer
from earshot.jobs.loading import load, shipped_folder, shipped_models
from earshot.synth import render_sound

FOLDER = shipped_folder("earshot-captioner")
RATE = 32_000
DECODING = DecodingConfig.by_beams(4, max_tokens=40)
KINDS = {  # what is rendered -> words of which a caption must have one
    "dog bark": "dog hound bark",
    "rooster": "rooster cock",
    "rain": "rain",
    "siren": "siren",
    "church bell": "bell",
    "helicopter": "helicopter",
    "crying baby": "baby infant",
    "telephone ring": "phone",
    "piano": "piano",
    "sea waves": "wave sea surf",
    "clock tick": "clock watch tick",
    "snoring": "snor sleeper",
}


@cache
def writer() -> CaptionWriter:
    return load_writer()


@cache
def said() -> dict[str, tuple[str, float]]:
    """What the captioner writes of each kind, all in one batch, and how sure it is."""
    sounds = [render_sound(kind, sample_rate=RATE, seed=5) for kind in KINDS]
    n_samples = torch.tensor([len(sound) for sound in sounds])
    waveform = torch.zeros(len(sounds), int(n_samples.max()))
    for row, sound in zip(waveform, sounds, strict=True):
        row[: len(sound)] = torch.from_numpy(sound)
    found = writer().model.captions(waveform, n_samples, DECODING)
    return {kind: (each[0].text, each[0].score) for kind, each in zip(KINDS, found, strict=True)}


def test_it_is_small_holds_no_ears_and_says_what_it_is() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 20e6
    checkpoint = read_checkpoint(FOLDER)
    assert checkpoint.config["model"]["ears"] == "earshot-small"
    assert not [name for name in checkpoint.weights() if "encoder" in name]
    card = (FOLDER / "README.md").read_text("utf-8")
    for word in ("CC BY 3.0", "CC BY-SA 4.0", "GPL-2", "Limits", "made up"):
        assert word in card


def test_it_names_procedural_sounds() -> None:
    wrong = {
        kind: text
        for kind, (text, _) in said().items()
        if not any(word in text.lower() for word in KINDS[kind].split())
    }
    assert len(wrong) <= 2, wrong


def test_alone_as_in_a_batch() -> None:
    for kind in ("siren", "piano"):
        sound = torch.from_numpy(render_sound(kind, sample_rate=RATE, seed=5))[None]
        n_samples = torch.tensor([sound.shape[1]])
        [alone] = writer().model.captions(sound, n_samples, DECODING)
        assert alone[0].text == said()[kind][0]
        assert alone[0].score == pytest.approx(said()[kind][1], abs=1e-3)


def test_silence_has_no_sound_in_it() -> None:
    waveform = torch.zeros(2, 3 * RATE)
    waveform[1] = 1e-4 * torch.randn(3 * RATE, generator=torch.Generator().manual_seed(0)).sign()
    n_samples = torch.tensor([3 * RATE, 3 * RATE])
    texts = [each[0].text for each in writer().model.captions(waveform, n_samples, DECODING)]
    assert texts[0] == texts[1]
    assert "silen" in texts[0].lower() or "nothing" in texts[0].lower()


def test_files_of_any_kind_and_length(tmp_path: Path) -> None:
    rain = render_sound("rain", duration_s=12.0, sample_rate=16_000, seed=1)
    write_audio(tmp_path / "a.wav", rain, 16_000)
    write_audio(tmp_path / "b.flac", np.ones(1, np.float32) * 0.1, 44_100)
    (tmp_path / "c.wav").write_text("no sound")
    found = earshot.caption([tmp_path / name for name in ("a.wav", "b.flac", "c.wav", "d.wav")])
    assert [(w.start_s, w.end_s) for w in found[0].windows] == [(0, 10), (10, 12)]
    assert "rain" in found[0].caption.lower()
    assert found[1].caption
    assert [Path(each.path).name for each in found.failures] == ["c.wav", "d.wav"]
    again = earshot.caption([tmp_path / "a.wav"])
    assert again[0] == found[0]


def test_it_is_no_model_that_embeds() -> None:
    assert "earshot-captioner" not in shipped_models()
    with pytest.raises(EarShotError, match="earshot caption FILES"):
        load("earshot-captioner")
