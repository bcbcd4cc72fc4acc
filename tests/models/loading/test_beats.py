from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig
from earshot.jobs.loading import load
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.models.loading.beats import read_beats_tokenizer
from published import shake

TOY = BeatsConfig(
    embed_dim=12,
    transformer=DeepNormConfig(
        dim=16, depth=3, n_heads=2, mlp_dim=24, conv_width=8, conv_groups=4, max_distance=500
    ),
)
CFG = {"encoder_layers": 3, "max_distance": 500, "deep_norm": True, "layer_norm_first": False,
       "gru_rel_pos": True, "conv_bias": False, "finetuned_model": False}  # fmt: skip


def released(encoder: BeatsEncoder) -> dict[str, Tensor]:
    """Its tensors as the released files have them: the one table under every layer's name."""
    state = dict(encoder.state_dict())
    table = "encoder.layers.{}.self_attn.relative_attention_bias.weight"
    depth = encoder.config.transformer.depth
    return state | {table.format(i): state[table.format(0)] for i in range(depth)}


def released_tokenizer(model: BeatsTokenizer) -> dict[str, Tensor]:
    """Names written from the published files: the quantiser's twice over."""
    state = released(model.encoder)
    state |= {n: t for n, t in model.state_dict().items() if n.startswith("quantize")}
    weight = state.pop("quantize.weight")
    state["quantize.embedding.weight"] = weight
    state["quantize.embedding.embed_avg"] = weight.clone()
    state["quantize.embedding.cluster_size"] = torch.zeros(len(weight))
    state["quantize.embedding.initted"] = torch.tensor([1.0])
    state["quantize.cluster_size"] = state.pop("quantize.usage")
    state.pop("quantize.started")
    return state


def sound(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)


def test_an_encoder_s_file_embeds_as_its_weights_do(tmp_path: Path) -> None:
    encoder = shake(BeatsEncoder(TOY), 0)
    torch.save({"cfg": CFG, "model": released(encoder)}, tmp_path / "BEATs_iter3.pt")
    model = load(tmp_path / "BEATs_iter3.pt")
    assert model.report.kind == "BEATs, pre-trained"
    assert not model.report.unexpected
    assert not model.report.missing
    assert model.model.audio_encoder.config == TOY
    assert model.model.config.audio.beats == TOY  # what `run clap --audio-model` goes on from
    waveform = torch.from_numpy(sound(1.3))[None]
    log_mel, n_frames = KaldiFbank(KaldiFbankConfig.beats())(waveform, torch.tensor([20_800]))
    assert n_frames.tolist() == [128]
    with torch.no_grad():
        expected = F.normalize(encoder(log_mel, n_frames))
    found = model.embed_audio(Audio(waveform[0].numpy(), 16_000)).mean
    assert np.allclose(found, expected[0].numpy(), atol=1e-5)


def test_newer_names_of_weight_norm_are_the_same_weights(tmp_path: Path) -> None:
    state = released(shake(BeatsEncoder(TOY), 0))
    stem = "encoder.pos_conv.0."
    newer = dict(state)
    newer[f"{stem}parametrizations.weight.original0"] = newer.pop(f"{stem}weight_g")
    newer[f"{stem}parametrizations.weight.original1"] = newer.pop(f"{stem}weight_v")
    rows = []
    for name, tensors in (("old.pt", state), ("new.pt", newer)):
        torch.save({"cfg": CFG, "model": tensors}, tmp_path / name)
        rows.append(load(tmp_path / name).embed_audio(Audio(sound(0.5), 16_000)).mean)
    assert np.array_equal(*rows)


def test_a_fine_tuned_file_names_its_classes(tmp_path: Path) -> None:
    encoder = shake(BeatsEncoder(BeatsConfig(n_classes=3, embed_dim=12,
                                             transformer=TOY.transformer)), 0)  # fmt: skip
    names = {2: "/m/c", 0: "/m/a", 1: "/m/b"}
    torch.save({"cfg": CFG, "model": released(encoder), "label_dict": names}, tmp_path / "cpt2.pt")
    model = load(tmp_path / "cpt2.pt")
    assert "fine-tuned to 3 classes" in model.report.kind
    loaded = model.model.audio_encoder
    assert loaded.labels == ("/m/a", "/m/b", "/m/c")
    log_mel, n_frames = torch.randn(2, 128, 64), torch.tensor([64, 40])
    with torch.no_grad():
        found = loaded.class_probabilities(log_mel, n_frames)
        assert torch.equal(found, encoder.class_probabilities(log_mel, n_frames))
    torch.save({"model": released(encoder), "label_dict": {0: "a"}}, tmp_path / "torn.pt")
    with pytest.raises(EarShotError, match="names for 1 of 3"):
        load(tmp_path / "torn.pt")


def test_a_tokenizer_s_file_gives_its_labels_and_its_encoder(tmp_path: Path) -> None:
    config = BeatsTokenizerConfig(TOY, EmaCodebookConfig(n_codes=9, dim=5))
    model = shake(BeatsTokenizer(config), 0)
    torch.save({"cfg": CFG, "model": released_tokenizer(model)}, tmp_path / "Tokenizer_iter3.pt")
    tokenizer, report = read_beats_tokenizer(tmp_path / "Tokenizer_iter3.pt")
    assert not report.unexpected
    assert bool(tokenizer.quantize.started)
    log_mel, n_frames = torch.randn(2, 128, 64), torch.tensor([64, 40])
    assert torch.equal(tokenizer.labels(log_mel, n_frames), model.labels(log_mel, n_frames))
    as_encoder = load(tmp_path / "Tokenizer_iter3.pt")
    assert "encoder alone" in as_encoder.report.kind
    with torch.no_grad():
        found = as_encoder.model.audio_encoder(log_mel, n_frames)
        assert torch.allclose(found, model.encoder(log_mel, n_frames), atol=1e-6)
    torch.save({"model": released(model.encoder)}, tmp_path / "encoder.pt")
    with pytest.raises(EarShotError, match="a tokenizer of BEATs"):
        read_beats_tokenizer(tmp_path / "encoder.pt")


def test_the_paper_s_size_is_read_from_the_shapes_alone(tmp_path: Path) -> None:
    from earshot.models.loading.beats import _sizes

    with torch.device("meta"):
        state = BeatsEncoder(BeatsConfig(n_classes=527)).state_dict()
    table = "encoder.layers.{}.self_attn.relative_attention_bias.weight"
    state |= {table.format(i): torch.zeros(320, 12) for i in range(12)}
    assert _sizes(state, tmp_path, {"cfg": {}}) == BeatsConfig(n_classes=527)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder.layers.1.fc1.weight": None}, "without: encoder.layers.1.fc1.weight"),
        ({"encoder.layers.2.fc2.weight": torch.zeros(3, 3)}, "of another shape"),
        ({"encoder.layers.0.fc1.weight": None}, "not those of a BEATs"),
        ({"encoder.layers.2.self_attn.relative_attention_bias.weight": torch.zeros(320, 2)},
         "share one table"),
    ],
)  # fmt: skip
def test_incomplete_and_other_files_are_refused(
    change: dict[str, Tensor | None], said: str, tmp_path: Path
) -> None:
    state: dict[str, Tensor | None] = {**released(shake(BeatsEncoder(TOY), 0)), **change}
    kept = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"cfg": CFG, "model": kept}, tmp_path / "torn.pt")
    with pytest.raises(EarShotError, match=said):
        load(tmp_path / "torn.pt")
    torch.save({"cfg": {**CFG, "layer_norm_first": True}, "model": kept}, tmp_path / "other.pt")
    with pytest.raises(EarShotError, match="another form"):
        load(tmp_path / "other.pt")
