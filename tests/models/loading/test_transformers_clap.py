from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

from earshot.core.errors import EarShotError
from earshot.encoders.htsat import HtsatConfig
from earshot.models.loading.foreign import load_foreign
from earshot.models.loading.save_transformers import save_transformers
from published import clap_directory, clip

TEXTS = ["a dog barks", "", "rain falls on a roof, then glass breaks"]


@torch.inference_mode()
def reference_audio(model: ClapModel, folder: Path, waveform: np.ndarray) -> np.ndarray:
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    inputs = extractor(waveform, sampling_rate=48_000, return_tensors="pt")
    never = torch.zeros(1, 1, dtype=torch.bool)  # the extractor flags a short clip at random
    output = model.get_audio_features(inputs["input_features"].float(), is_longer=never)
    return output.pooler_output.numpy()


@torch.inference_mode()
def reference_texts(model: ClapModel, folder: Path) -> np.ndarray:
    words = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    output = model.get_text_features(words["input_ids"], attention_mask=words["attention_mask"])
    return output.pooler_output.numpy()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("f_min", [50.0, 0.0])
def test_embeddings_equal_clapmodel(fused: bool, f_min: float, tmp_path: Path) -> None:
    reference = clap_directory(tmp_path, fused=fused, f_min=f_min)
    embedder = load_foreign(tmp_path)
    assert embedder.scale == pytest.approx(np.exp(3.0), rel=1e-6)
    for waveform in (clip(480_000), clip(200_000) * np.float32(1e-3)):
        ours = embedder.embed_waveforms([waveform])
        assert np.abs(ours - reference_audio(reference, tmp_path, waveform)).max() < 1e-5
    ours = embedder.embed_texts(TEXTS)
    assert np.abs(ours - reference_texts(reference, tmp_path)).max() < 1e-5
    assert embedder.report.unexpected == ("logit_scale_t",)
    assert not embedder.report.missing


def test_a_fused_directory_fuses_long_clips_the_same_way_each_time(tmp_path: Path) -> None:
    reference = clap_directory(tmp_path, fused=True)
    embedder = load_foreign(tmp_path, long_clips="fusion")
    waveform = clip(480_000 * 2)
    first = embedder.embed_waveforms([waveform])
    again = load_foreign(tmp_path, long_clips="fusion")
    assert np.array_equal(first, again.embed_waveforms([waveform]))
    with torch.inference_mode():  # the library's own fusion, given the same four views
        log_mel, n_frames = embedder.model.features(
            torch.from_numpy(waveform)[None], torch.tensor([960_000])
        )
        views, (longer,) = embedder.model.long_clips.fit(log_mel, n_frames, 1_001, training=False)
        theirs = reference.get_audio_features(views.transpose(2, 3), is_longer=longer[:, None])
    assert np.abs(first - theirs.pooler_output.numpy()).max() < 1e-5


@pytest.mark.parametrize("fused", [False, True])
def test_a_saved_model_is_the_same_for_transformers_and_for_us(fused: bool, tmp_path: Path) -> None:
    clap_directory(tmp_path / "theirs", fused=fused)
    ours = load_foreign(tmp_path / "theirs")
    save_transformers(ours.model, tmp_path / "saved")
    waveform = clip(300_000)
    again = load_foreign(tmp_path / "saved")
    assert np.array_equal(ours.embed_waveforms([waveform]), again.embed_waveforms([waveform]))
    assert np.array_equal(ours.embed_texts(TEXTS), again.embed_texts(TEXTS))
    assert again.scale == ours.scale
    reference = ClapModel.from_pretrained(tmp_path / "saved").eval()
    theirs = reference_audio(reference, tmp_path / "saved", waveform)
    assert np.abs(ours.embed_waveforms([waveform]) - theirs).max() < 1e-5
    assert (
        np.abs(ours.embed_texts(TEXTS) - reference_texts(reference, tmp_path / "saved")).max()
        < 1e-5
    )


def test_the_processor_file_of_transformers_5_is_honoured(tmp_path: Path) -> None:
    clap_directory(tmp_path, fused=False)
    (tmp_path / "preprocessor_config.json").unlink()
    extractor = ClapFeatureExtractor(frequency_min=70, truncation="rand_trunc", padding="pad")
    ClapProcessor(extractor, AutoTokenizer.from_pretrained(tmp_path)).save_pretrained(tmp_path)
    assert not (tmp_path / "preprocessor_config.json").exists()
    model = load_foreign(tmp_path).model
    assert (model.features.config.f_min, model.fill) == (70.0, "zeros")


@pytest.mark.parametrize("padding", ["repeat", "pad", "repeatpad"])
def test_each_padding_equals_the_extractors(padding: str, tmp_path: Path) -> None:
    reference = clap_directory(tmp_path, fused=False)
    extractor = ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc", padding=padding)
    extractor.save_pretrained(tmp_path)
    waveform = clip(190_000)
    ours = load_foreign(tmp_path).embed_waveforms([waveform])
    assert np.abs(ours - reference_audio(reference, tmp_path, waveform)).max() < 1e-5


def test_a_tokenizer_of_another_tower_is_refused(tmp_path: Path) -> None:
    clap_directory(tmp_path, fused=False)
    large = AutoTokenizer.from_pretrained(tmp_path)
    large.add_tokens([f"word{i}" for i in range(200)])
    large.save_pretrained(tmp_path / "large")
    with pytest.raises(EarShotError, match="at most 400"):
        load_foreign(tmp_path, tokenizer=tmp_path / "large")


def test_a_long_text_is_cut_to_what_the_tower_has_places_for(tmp_path: Path) -> None:
    clap_directory(tmp_path, fused=False)
    embedder = load_foreign(tmp_path)
    assert np.isfinite(embedder.embed_texts(["rain " * 5_000])).all()
    facts = json.loads((tmp_path / "config.json").read_text())
    assert embedder.model.tokenizer.max_tokens == 77
    assert facts["text_config"]["max_position_embeddings"] == 90


def test_the_model_decides_where_the_preprocessor_disagrees(tmp_path: Path) -> None:
    clap_directory(tmp_path, fused=False)
    path = tmp_path / "preprocessor_config.json"
    facts = json.loads(path.read_text()) | {"truncation": "fusion"}
    path.write_text(json.dumps(facts))
    notes = load_foreign(tmp_path).report.notes
    assert any("the model decides" in note for note in notes)
    path.unlink()
    embedder = load_foreign(tmp_path)
    assert embedder.model.features.config.f_min == 50.0
    assert any("50-14000 Hz" in note for note in embedder.report.notes)


def test_published_full_sizes_build_with_the_published_counts() -> None:
    for sizes, dim, encoder, whole in (
        (HtsatConfig.tiny(), 768, 27.5, 153.5),
        (HtsatConfig.base(), 1024, 67.8, 193.9),
        (HtsatConfig.large(), 2048, 270.9, None),
    ):
        config = ClapConfig(audio_config=sizes.to_transformers().to_dict())
        with torch.device("meta"):
            model = ClapModel(config)
        assert config.audio_config.hidden_size == dim
        assert _millions(model.audio_model) == pytest.approx(encoder, abs=0.06)
        if whole:
            assert _millions(model) == pytest.approx(whole, abs=0.06)


def _millions(model: torch.nn.Module) -> float:
    return sum(p.numel() for p in model.parameters()) / 1e6


def _broken(folder: Path, how: str) -> None:
    config = folder / "config.json"
    if how == "not clap":
        config.write_text(json.dumps({"model_type": "bert"}))
    elif how == "not json":
        config.write_text("{")
    elif how == "no config":
        config.unlink()
    elif how == "no weights":
        (folder / "model.safetensors").unlink()
    elif how == "cut short":
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    elif how == "rate of words":
        facts = json.loads((folder / "preprocessor_config.json").read_text())
        facts["sampling_rate"] = "fast"
        (folder / "preprocessor_config.json").write_text(json.dumps(facts))
    elif how == "odd padding":
        facts = json.loads((folder / "preprocessor_config.json").read_text())
        facts["padding"] = "repeatpads"
        (folder / "preprocessor_config.json").write_text(json.dumps(facts))
    elif how == "other sizes":
        facts = json.loads(config.read_text())
        facts["projection_dim"] = 25
        config.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("not clap", "model_type 'bert'"),
        ("not json", "JSON object"),
        ("no config", "config.json"),
        ("no weights", "without weights"),
        ("cut short", "cut short"),
        ("rate of words", "expected numbers"),
        ("odd padding", "repeatpad"),
        ("other sizes", "another shape"),
    ],
)
def test_broken_directories_are_refused_in_words(how: str, word: str, tmp_path: Path) -> None:
    clap_directory(tmp_path, fused=False)
    _broken(tmp_path, how)
    with pytest.raises(EarShotError, match=word):
        load_foreign(tmp_path)


def test_a_name_that_is_neither_path_nor_model_is_refused() -> None:
    with pytest.raises(EarShotError, match="does not exist"):
        load_foreign("nowhere")


def test_a_hub_name_is_not_fetched_while_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    with pytest.raises(EarShotError, match="offline.*folder"):
        load_foreign("nobody/no-such-model")
