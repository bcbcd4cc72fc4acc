from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from earshot.core.errors import EarShotError
from earshot.encoders.wav2vec2 import Wav2Vec2EncoderConfig
from earshot.jobs.loading import load
from earshot.models.audio_tower import AudioTower
from earshot.models.loading.ctc_folder import load_ctc_folder
from earshot.models.loading.foreign import read_foreign
from earshot.models.loading.wav2vec2 import (
    FAIRSEQ_TASK,
    encoder_config,
    load_pretraining,
    rename_fairseq_wav2vec2,
)

SIZES: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embedding_groups": 4,
}
LARGE = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}
CODES = {"num_codevectors_per_group": 6, "codevector_dim": 8, "proj_codevector_dim": 12}
KINDS = [
    ("Wav2Vec2Model", "Wav2Vec2Config", {"num_conv_pos_embeddings": 16}),
    ("Wav2Vec2ForPreTraining", "Wav2Vec2Config", {**LARGE, **CODES}),
    ("Wav2Vec2ForCTC", "Wav2Vec2Config", {**LARGE, "vocab_size": 9}),
    ("HubertModel", "HubertConfig", LARGE),
    ("HubertModel", "HubertConfig", {"feat_proj_layer_norm": False, "conv_pos_batch_norm": True}),
    ("WavLMModel", "WavLMConfig", {}),
    ("Data2VecAudioModel", "Data2VecAudioConfig", {"conv_pos_kernel_size": 5}),
]


def save(folder: Path, model: str, config: str, options: dict[str, Any]) -> nn.Module:
    """A model of the library with random weights, saved as it saves it."""
    torch.manual_seed(0)
    made = getattr(transformers, model)(getattr(transformers, config)(**SIZES, **options)).eval()
    made.save_pretrained(folder)
    return made


def sound() -> torch.Tensor:
    return torch.randn(1, 8_000, generator=torch.Generator().manual_seed(1)) * 0.1


@pytest.mark.parametrize(("model", "config", "options"), KINDS, ids=lambda each: str(each)[:24])
def test_folders_of_the_library_say_what_the_library_says(
    model: str, config: str, options: dict[str, Any], tmp_path: Path
) -> None:
    made = save(tmp_path, model, config, options)
    base = made.base_model
    ours, report = read_foreign(tmp_path)
    waveform = sound()
    level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
    with torch.inference_mode():
        states = ours.layers(waveform, torch.tensor([8_000]))
        expected = base(level).last_hidden_state
    torch.testing.assert_close(states.last, expected, atol=1e-4, rtol=0)
    heads = ("lm_head", "quantizer", "project_hid", "project_q")
    assert all(name.startswith(heads) for name in report.unexpected)
    assert bool(report.unexpected) == ("For" in model)
    assert load(tmp_path).dim == 128


def test_old_names_of_weight_norms_are_known(tmp_path: Path) -> None:
    made = save(tmp_path, *KINDS[0])
    (tmp_path / "model.safetensors").unlink()
    state = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in made.state_dict().items()
        if name != "masked_spec_embed"  # that of a model which masked nothing
    }
    assert any(name.endswith("weight_g") for name in state)
    torch.save(state, tmp_path / "pytorch_model.bin")
    ours, report = read_foreign(tmp_path)
    assert report.missing == ("audio_encoder.model.masked_spec_embed",)
    own = ours.audio_encoder.model.state_dict()
    assert all(torch.equal(own[name], value) for name, value in made.state_dict().items()
               if name != "masked_spec_embed")  # fmt: skip


def test_pretraining_goes_on_with_the_quantiser_and_is_refused_without(tmp_path: Path) -> None:
    made = save(tmp_path / "pretrained", *KINDS[1])
    task, config, report = load_pretraining(tmp_path / "pretrained")
    assert not report.unexpected
    assert config.audio.wav2vec2 == task.encoder.config
    own = task.state_dict()
    assert torch.equal(own["quantizer.codevectors"], made.quantizer.codevectors)
    assert torch.equal(own["project_hid.weight"], made.project_hid.weight)
    assert task.quantizer.temperature == 2.0
    assert set(own) - {"quantizer.n_updates"} == {
        name.replace("wav2vec2.", "encoder.model.") for name in made.state_dict()
    }
    save(tmp_path / "tuned", *KINDS[2])
    with pytest.raises(EarShotError, match="without quantizer and project_hid and project_q"):
        load_pretraining(tmp_path / "tuned")
    save(tmp_path / "other", *KINDS[5])
    with pytest.raises(EarShotError, match="model_type 'wavlm'"):
        load_pretraining(tmp_path / "other")


def test_a_recogniser_s_blank_comes_first_whatever_its_number(tmp_path: Path) -> None:
    made = save(tmp_path, "Wav2Vec2ForCTC", "Wav2Vec2Config",
                {**LARGE, "vocab_size": 7, "pad_token_id": 6})  # fmt: skip
    tokens = ["a", "|", "b", "<s>", "</s>", "[UNK]", "[PAD]"]
    (tmp_path / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    ours, symbols, report = load_ctc_folder(tmp_path)
    assert symbols == ("", " ", "b", "", "", "", "a")
    assert not report.unexpected
    waveform = sound()
    level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
    with torch.inference_mode():
        heard = ours.hear(waveform, torch.tensor([8_000]))
        expected = made(level).logits
    order = [6, 1, 2, 3, 4, 5, 0]
    torch.testing.assert_close(heard.logits, expected[..., order], atol=1e-4, rtol=0)


def test_a_recogniser_without_head_or_vocabulary_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "bare", *KINDS[0])
    with pytest.raises(EarShotError, match="without lm_head"):
        load_ctc_folder(tmp_path / "bare")
    save(tmp_path / "ctc", *KINDS[2])
    with pytest.raises(EarShotError, match=r"vocab\.json with 0 tokens for 9 symbols"):
        load_ctc_folder(tmp_path / "ctc")
    (tmp_path / "ctc" / "vocab.json").write_text(json.dumps({"eng": {"a": 0}, "fra": {"a": 0}}))
    with pytest.raises(EarShotError, match="of one language"):
        load_ctc_folder(tmp_path / "ctc")


def fairseq_names(made: nn.Module) -> dict[str, torch.Tensor]:
    """The weights of a model of the library as fairseq names them."""
    layer_norms = made.config.feat_extract_norm == "layer"
    pairs = (
        (r"^wav2vec2\.", ""),
        (r"conv_layers\.(\d+)\.conv\.", r"conv_layers.\1.0."),
        (r"conv_layers\.(\d+)\.layer_norm\.", r"conv_layers.\1.2.1." if layer_norms
         else r"conv_layers.\1.2."),
        (r"^feature_projection\.projection", "post_extract_proj"),
        (r"^feature_projection\.layer_norm", "layer_norm"),
        (r"^masked_spec_embed", "mask_emb"),
        (r"pos_conv_embed\.conv\.parametrizations\.weight\.original0", "pos_conv.0.weight_g"),
        (r"pos_conv_embed\.conv\.parametrizations\.weight\.original1", "pos_conv.0.weight_v"),
        (r"pos_conv_embed\.conv\.", "pos_conv.0."),
        (r"(layers\.\d+)\.attention\.", r"\1.self_attn."),
        (r"(encoder\.layers\.\d+)\.layer_norm", r"\1.self_attn_layer_norm"),
        (r"feed_forward\.intermediate_dense", "fc1"),
        (r"feed_forward\.output_dense", "fc2"),
        (r"^quantizer\.codevectors", "quantizer.vars"),
        (r"^project_hid", "final_proj"),
    )  # fmt: skip
    renamed = {}
    for name, value in made.state_dict().items():
        for ours, theirs in pairs:
            name = re.sub(ours, theirs, name)
        renamed[name] = value
    return renamed


@pytest.mark.parametrize("options", [{}, LARGE], ids=["base", "large"])
@pytest.mark.parametrize("prefix", ["", "w2v_encoder.w2v_model."])
def test_fairseq_s_names_come_to_the_same_model(
    options: dict[str, Any], prefix: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(**SIZES, **CODES, **options)
    made = transformers.Wav2Vec2ForPreTraining(config).eval()
    state = fairseq_names(made)
    assert set(FAIRSEQ_TASK) <= {re.sub(r"\.(weight|bias)$", ".", name) for name in state}
    back = rename_fairseq_wav2vec2(state)
    assert {n.removeprefix("wav2vec2.") for n in made.state_dict()} == set(back)
    torch.save({"model": {prefix + n: v for n, v in state.items()}}, tmp_path / "w2v.pt")
    ours, report = read_foreign(tmp_path / "w2v.pt")
    assert ours.features.config.unit_variance == bool(options)
    assert len(report.unexpected) == 7  # quantiser and projections
    waveform = sound()
    level = waveform
    if options:
        level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
    with torch.inference_mode():
        found = ours.layers(waveform, torch.tensor([8_000])).last
        expected = made.wav2vec2(level).last_hidden_state
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_xlsr_s_own_config_is_the_large_preset() -> None:
    """The sizes that facebook/wav2vec2-large-xlsr-53 states."""
    facts = {
        "model_type": "wav2vec2",
        "hidden_size": 1_024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4_096,
        **LARGE,
    }
    assert encoder_config(facts, Path("config.json")) == Wav2Vec2EncoderConfig.large()


def test_variants_that_are_not_built_here_are_refused(tmp_path: Path) -> None:
    for changes in ({"add_adapter": True}, {"adapter_attn_dim": 16}, {"conv_dim": [8] * 6 + [16]}):
        facts = {"model_type": "wav2vec2", **changes}
        with pytest.raises(EarShotError, match="the config of a plain wav2vec2 encoder"):
            encoder_config(facts, tmp_path / "config.json")
    torch.save({"post_extract_proj.weight": torch.zeros(8, 4)}, tmp_path / "part.pt")
    with pytest.raises(EarShotError, match="seven convolutions"):
        read_foreign(tmp_path / "part.pt")
    torch.save({"post_extract_proj.weight": torch.zeros(8, 4), "cfg": Path("x")}, tmp_path / "p.pt")
    with pytest.raises(EarShotError, match="holds more than data"):
        read_foreign(tmp_path / "p.pt")
    assert AudioTower(wav2vec2=Wav2Vec2EncoderConfig()).wav2vec2 is not None
