"""Folders for hubs: they load again with the same fingerprint, or open in transformers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from transformers import ClapModel, ClapProcessor

import earshot
from earshot.adapters.hub_folder import save_folder
from earshot.core.checkpoint import is_checkpoint, read_checkpoint, save_checkpoint
from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.models.towers import AudioTower, BpeText, PublishedText, TextTower
from earshot.recipes import clap
from earshot.text.tokenizer import BpeTokenizer
from published import clap_directory, clip, toy_tokenizer

FIGURES = {"t2a_r1": 0.25, "zero_shot": 0.5}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder whose text tower needs no files."""
    folder = tmp_path_factory.mktemp("runs") / "clap"
    torch.manual_seed(0)
    config = clap.Config.small()
    save_checkpoint(folder, "clap", config, clap.build(config), {"figures": FIGURES})
    return folder


@pytest.fixture
def with_files(tmp_path: Path) -> Path:
    """A run folder whose text tower is RoBERTa's, its tokenizer in a folder elsewhere."""
    words = toy_tokenizer(tmp_path / "words")
    text = PublishedText("roberta", str(words), 400, dim=16, depth=1, n_heads=2)
    base = clap.Config.small()
    tower = AudioTower(htsat=replace(HtsatConfig.nano(), drop_path=0.0))
    model = replace(base.model, audio=tower, text=TextTower(published=text))
    config = replace(base, model=model)
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "run", "clap", config, clap.build(config))
    return tmp_path / "run"


def test_a_model_of_ours_loads_with_the_same_fingerprint(own: Path, tmp_path: Path) -> None:
    saved = save_folder(own, tmp_path / "hub", license="apache-2.0")
    names = {path.name for path in saved.folder.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer_config.json",
    }
    assert json.loads((saved.folder / "config.json").read_text())["model_type"] == "earshot"
    before, after = earshot.load(own), earshot.load(saved.folder)
    assert (saved.form, saved.fingerprint) == ("earshot", before.fingerprint)
    assert after.fingerprint == before.fingerprint
    assert saved.max_difference == 0
    again = save_folder(saved.folder, tmp_path / "again")  # a folder is a model like any other
    assert again.fingerprint == before.fingerprint
    processor = json.loads((saved.folder / "preprocessor_config.json").read_text())
    assert (processor["sampling_rate"], processor["features"]["n_mels"]) == (16_000, 32)


def test_the_card_says_what_the_checkpoint_holds(own: Path, tmp_path: Path) -> None:
    odd = 'a "strange" one'
    folder = save_folder(own, tmp_path / "hub", license=odd, name="door-finder").folder
    _, head, text = (folder / "README.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(head)
    assert (facts["library_name"], facts["license"]) == ("earshot", odd)
    assert "zero-shot" in facts["tags"]
    assert "# door-finder" in text
    assert "16000 Hz in windows of 2 s" in text
    assert earshot.load(own).fingerprint in text
    assert "| t2a_r1 | 0.25 |" in text
    n_parameters = sum(value.numel() for value in earshot.load(own).model.parameters())
    assert f"{n_parameters:,} parameters" in text


def test_the_tokenizer_travels_with_the_weights(with_files: Path, tmp_path: Path) -> None:
    before = earshot.load(with_files)
    expected = before.embed_texts(["a dog barks"])
    folder = save_folder(with_files, tmp_path / "hub").folder
    shutil.rmtree(tmp_path / "words")
    after = earshot.load(folder)
    assert after.fingerprint == before.fingerprint
    np.testing.assert_array_equal(after.embed_texts(["a dog barks"]), expected)
    assert after.model.tokenizer.files == folder


def test_pieces_travel_with_the_weights(tmp_path: Path) -> None:
    file = tmp_path / "pieces.json"
    BpeTokenizer.train(["a dog barks", "rain falls"], vocab_size=300).save(file)
    base = clap.Config.small()
    audio = AudioTower(earshot=EarshotCnnConfig(32, widths=(4, 8), dim=16, n_heads=2))
    text = TextTower(bpe=BpeText(str(file), transformer=TextTransformerConfig(16, 1, 2)))
    config = replace(base, model=replace(base.model, audio=audio, text=text, fill="none"))
    save_checkpoint(tmp_path / "run", "clap", config, clap.build(config))
    before = earshot.load(tmp_path / "run").fingerprint
    saved = save_folder(tmp_path / "run", tmp_path / "hub")
    file.unlink()
    assert earshot.load(saved.folder).fingerprint == saved.fingerprint == before


def test_a_clap_directory_opens_in_transformers(tmp_path: Path) -> None:
    clap_directory(tmp_path / "theirs", fused=False)
    saved = save_folder(tmp_path / "theirs", tmp_path / "hub")
    assert saved.form == "clap"
    assert saved.max_difference < 1e-6
    assert "transformers" in (saved.folder / "README.md").read_text()
    library = ClapModel.from_pretrained(saved.folder).eval()
    processor = ClapProcessor.from_pretrained(saved.folder)
    ours = earshot.load(saved.folder)
    sound, texts = clip(480_000), ["a dog barks", "rain falls on a roof"]
    words = processor(text=texts, return_tensors="pt", padding=True)
    heard = processor.feature_extractor(sound, sampling_rate=48_000, return_tensors="pt")
    with torch.no_grad():
        text = library.get_text_features(**words).pooler_output
        audio = library.get_audio_features(**heard).pooler_output
    unit = torch.nn.functional.normalize
    np.testing.assert_allclose(ours.embed_texts(texts), unit(text), atol=1e-5)
    np.testing.assert_allclose(ours.embed_waveforms([sound]), unit(audio), atol=1e-4)


def test_a_model_of_ours_in_claps_shape_opens_in_transformers(
    with_files: Path, tmp_path: Path
) -> None:
    saved = save_folder(with_files, tmp_path / "hub", form="clap")
    assert saved.form == "clap"
    library = ClapModel.from_pretrained(saved.folder).eval()
    processor = ClapProcessor.from_pretrained(saved.folder)
    words = processor(text=["a dog barks"], return_tensors="pt")
    with torch.no_grad():
        text = library.get_text_features(**words).pooler_output
    expected = earshot.load(with_files).embed_texts(["a dog barks"])
    np.testing.assert_allclose(torch.nn.functional.normalize(text), expected, atol=1e-5)


def test_a_name_on_the_hub_leads_to_a_folder_of_ours(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_folder(own, tmp_path / "hub").folder
    monkeypatch.setattr("earshot.models.loading.fetch", lambda name: folder)
    model = earshot.load("someone/door-finder")
    assert (model.name, model.fingerprint) == (
        "someone/door-finder",
        earshot.load(own).fingerprint,
    )


def test_configs_of_others_are_not_taken_for_ours(tmp_path: Path) -> None:
    for text in ('{"model_type": "clap"}', "not JSON", "[]", "{}"):
        (tmp_path / "config.json").write_text(text)
        assert not is_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "earshot"}')
    with pytest.raises(EarShotError, match="config.json, which is not a checkpoint's description"):
        read_checkpoint(tmp_path)


def test_every_mend(own: Path, tmp_path: Path) -> None:
    clap_directory(tmp_path / "theirs", fused=False)
    with pytest.raises(EarShotError, match="--form clap"):
        save_folder(tmp_path / "theirs", tmp_path / "hub", form="earshot")
    with pytest.raises(EarShotError, match="no place in that format"):
        save_folder(own, tmp_path / "hub", form="clap")
    assert not (tmp_path / "hub").exists()
    with pytest.raises(EarShotError, match="holds something already"):
        save_folder(own, tmp_path / "theirs")
