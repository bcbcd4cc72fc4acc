from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification, ASTModel

from earshot.core.errors import EarShotError
from earshot.jobs.loading import load
from earshot.models.loading.foreign import read_foreign
from earshot.models.loading.transformers_ast import is_ast_folder
from published import shake

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_length": 64,
    "num_mel_bins": 40,
    "patch_size": 16,
    "frequency_stride": 10,
    "time_stride": 8,
}


def saved(folder: Path, *, classifier: bool = True) -> ASTModel:
    """A random AST in a directory as the library writes it, with its feature extractor."""
    config = ASTConfig(**SIZES)
    whole = ASTForAudioClassification(config) if classifier else ASTModel(config)
    shake(whole, 3).save_pretrained(folder)
    ASTFeatureExtractor(num_mel_bins=40, max_length=64, mean=-4.0, std=3.5).save_pretrained(folder)
    return whole.audio_spectrogram_transformer if classifier else whole


@pytest.mark.parametrize("classifier", [True, False])
def test_the_library_s_model_and_ours_say_the_same(classifier: bool, tmp_path: Path) -> None:
    theirs = saved(tmp_path, classifier=classifier)
    model, report = read_foreign(tmp_path)
    log_mel = torch.randn(2, 40, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = theirs(log_mel.transpose(1, 2), output_hidden_states=True)
        encoder = model.audio_encoder
        mine = encoder(log_mel, torch.tensor([64, 64]))
        filled = encoder.filled(log_mel, torch.tensor([64, 64]))
        states = encoder.encode(encoder.patch_embed(filled.log_mel), filled)
    torch.testing.assert_close(mine, out.pooler_output, atol=1e-4, rtol=0)
    torch.testing.assert_close(states[-1], out.last_hidden_state, atol=1e-4, rtol=0)
    for one, other in zip(states[:-1], out.hidden_states, strict=False):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    assert not report.missing
    assert len(report.unexpected) == (4 if classifier else 0)


def test_from_sound_to_vector_it_is_the_library_s(tmp_path: Path) -> None:
    """The feature extractor too: its statistics, its padding, its cut."""
    theirs = saved(tmp_path)
    model, _ = read_foreign(tmp_path)
    extractor = ASTFeatureExtractor.from_pretrained(tmp_path)
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(n).astype(np.float32) * 0.1 for n in (4_000, 10_240)]
    given = extractor(sounds, sampling_rate=16_000, return_tensors="pt").input_values
    waveform, n_samples = torch.zeros(2, 10_240), torch.tensor([4_000, 10_240])
    for row, sound in zip(waveform, sounds, strict=True):
        row[: len(sound)] = torch.from_numpy(sound)
    with torch.no_grad():
        out = theirs(given).pooler_output
        mine = model.audio_hidden(waveform, n_samples)
    torch.testing.assert_close(mine, out, atol=1e-3, rtol=1e-3)


def test_names_of_either_version_of_the_library_are_known(tmp_path: Path) -> None:
    saved(tmp_path)
    before, _ = read_foreign(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    newer = {}
    for name, value in state.items():
        for old, new in (
            ("encoder.layer.", "layers."),
            ("attention.attention.query", "attention.q_proj"),
            ("attention.attention.key", "attention.k_proj"),
            ("attention.attention.value", "attention.v_proj"),
            ("attention.output.dense", "attention.o_proj"),
            ("intermediate.dense", "mlp.fc1"),
            ("output.dense", "mlp.fc2"),
        ):
            name = name.replace(old, new)
        newer[name] = value
    assert newer.keys() != state.keys()
    save_file(newer, tmp_path / "model.safetensors")
    after, _ = read_foreign(tmp_path)
    for name, value in before.state_dict().items():
        assert torch.equal(value, after.state_dict()[name])


def test_a_folder_is_known_by_its_config_and_loads_by_path(tmp_path: Path) -> None:
    saved(tmp_path)
    assert is_ast_folder(tmp_path)
    assert not is_ast_folder(tmp_path / "elsewhere")
    embedder = load(tmp_path)
    sound = np.sin(np.arange(9_000) / 9).astype(np.float32) * 0.3
    row = embedder.embed_waveforms([sound])
    assert row.shape == (1, 24)
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    facts = json.loads((tmp_path / "config.json").read_text())
    for change, said in (
        ({"hidden_act": "relu"}, "hidden_act='relu'"),
        ({"hidden_size": "many"}, "hidden_size='many'"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers=1000000000"),
        ({"num_hidden_layers": 3}, r"without: blocks\.2"),
        ({"max_length": 128}, "another shape"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(facts | change))
        with pytest.raises(EarShotError, match=said):
            read_foreign(tmp_path)
