from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertForCTC, Wav2Vec2BertModel

from earshot.core.errors import EarShotError
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.jobs.loading import load
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.models.loading.foreign import read_foreign
from earshot.models.loading.w2v_bert import load_w2v_bert_pretraining
from earshot.models.pretraining.w2v_bert import W2vBertConfig, W2vBertForPreTraining

TINY = ConformerConfig(
    n_mels=80, dim=16, depth=3, n_heads=2, inner_dim=24, kernel=5, left=6, right=8
)


def library(*, ctc: bool = False) -> torch.nn.Module:
    torch.manual_seed(0)
    config = TINY.library_config()
    config.vocab_size = 9
    return (Wav2Vec2BertForCTC if ctc else Wav2Vec2BertModel)(config).eval()


def save(folder: Path, model: torch.nn.Module) -> Path:
    """As facebook/w2v-bert-2.0 is laid out."""
    model.save_pretrained(folder)
    SeamlessM4TFeatureExtractor(padding_value=1).save_pretrained(folder)
    return folder


def heads() -> W2vBertForPreTraining:
    torch.manual_seed(1)
    books = GumbelQuantizerConfig(n_codes=6, n_codebooks=2, dim=8)
    config = W2vBertConfig(contrastive_depth=1, quantizer=books, hidden="learnt", shared_dim=10)
    return W2vBertForPreTraining(Conformer(TINY), config).eval()


def fairseq(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our pre-training model's weights under the names of fairseq's file."""
    new = {}
    for name, tensor in state.items():
        name = name.removeprefix("encoder.model.")
        for ours, theirs in {
            "feature_projection.projection": "post_extract_proj",
            "feature_projection.layer_norm": "layer_norm",
            "masked_spec_embed": "mask_emb",
            "ffn1_layer_norm": "ffn1.layer_norm",
            "ffn2_layer_norm": "ffn2.layer_norm",
            "intermediate_dense": "w_1",
            "output_dense": "w_2",
            "depthwise_layer_norm": "layer_norm2",
            "quantizer.codevectors": "quantizer.vars",
            "project_hid": "final_proj",
            "mlm_head": "mlm_proj",
        }.items():
            name = name.replace(ours, theirs)
        new[name] = tensor
    new.pop("quantizer.n_updates")
    return new


def fairseq2(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same under the names of fairseq2's."""
    new = {}
    for name, tensor in state.items():
        if name.endswith("final_layer_norm.weight") or name.endswith("final_layer_norm.bias"):
            name = name.replace("final_layer_norm", "layer_norm")
        elif ".layers." in name:
            for ours, theirs in {
                "conv_module.layer_norm": "conv_layer_norm",
                "conv_module.depthwise_layer_norm": "conv.layer_norm",
                "conv_module": "conv",
                "intermediate_dense": "inner_proj",
                "output_dense": "output_proj",
                "self_attn.linear_out": "self_attn.output_proj",
                "self_attn.linear_q": "self_attn.q_proj",
                "self_attn.linear_k": "self_attn.k_proj",
                "self_attn.linear_v": "self_attn.v_proj",
                "self_attn.distance_embedding": "self_attn.sdpa.rel_k_embed",
            }.items():
                name = name.replace(ours, theirs)
        for ours, theirs in {
            "encoder.model.encoder.": "w2v2_model.encoder.",
            "encoder.model.feature_projection.projection": (
                "w2v2_model.encoder_frontend.model_dim_proj"
            ),
            "encoder.model.feature_projection.layer_norm": (
                "w2v2_model.encoder_frontend.post_extract_layer_norm"
            ),
            "encoder.model.masked_spec_embed": "w2v2_model.masker.temporal_mask_embed",
            "quantizer.codevectors": "w2v2_model.quantizer.entries",
            "quantizer.weight_proj": "w2v2_model.quantizer.entry_proj",
            "quantizer.n_updates": "w2v2_model.quantizer.num_updates",
            "project_q": "w2v2_model.final_target_proj",
            "project_hid": "w2v2_model.final_proj",
            "mlm_head": "final_bert_proj",
        }.items():
            name = name.replace(ours, theirs)
        new[name] = tensor
    return new


@pytest.mark.parametrize("ctc", [False, True])
def test_a_folder_of_transformers_hears_as_it_does_there(tmp_path: Path, ctc: bool) -> None:
    theirs = library(ctc=ctc)
    embedder = load(save(tmp_path / "model", theirs))
    sound = np.random.default_rng(0).normal(size=11_000).astype(np.float32) * 0.1
    given = SeamlessM4TFeatureExtractor(padding_value=1)(
        [sound], sampling_rate=16_000, return_tensors="pt"
    )
    base = theirs.wav2vec2_bert if ctc else theirs
    with torch.no_grad():
        hidden = base(**given).last_hidden_state[0, given["attention_mask"][0].bool()]
    row = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
    np.testing.assert_allclose(embedder.embed_waveforms([sound])[0], row, atol=1e-4)
    assert embedder.report is not None
    assert not embedder.report.missing
    assert set(embedder.report.unexpected) == ({"lm_head.weight", "lm_head.bias"} if ctc else set())


@pytest.mark.parametrize("names", [fairseq, fairseq2])
def test_fairseq_s_names_are_the_same_model(tmp_path: Path, names) -> None:
    ours = heads()
    state = names(ours.state_dict())
    assert not set(state) & set(ours.state_dict()) - {
        name for name in state if name.startswith(("quantizer.", "project_q."))
    }
    torch.save({"model": state}, tmp_path / "model.pt")
    model, report = read_foreign(tmp_path / "model.pt")
    log_mel, n_frames = torch.randn(2, 80, 30), torch.tensor([30, 17])
    with torch.no_grad():
        torch.testing.assert_close(
            model.audio_encoder(log_mel, n_frames), ours.encoder(log_mel, n_frames)
        )
    assert not report.missing
    assert len(report.unexpected) == len([k for k in ours.state_dict() if "encoder." not in k]) - (
        names is fairseq  # which has no count of updates
    )
    whole, report = load_w2v_bert_pretraining(state, tmp_path / "model.pt")
    assert not report.unexpected
    assert whole.config.contrastive_depth == 1
    assert whole.config.quantizer == ours.config.quantizer
    for name, value in ours.state_dict().items():
        assert torch.equal(whole.state_dict()[name], value), name


def test_our_own_names_load_too(tmp_path: Path) -> None:
    state = {
        name.replace("encoder.model.", "wav2vec2_bert."): tensor
        for name, tensor in heads().state_dict().items()
    }
    save_file(state, tmp_path / "heads.safetensors")
    model, _ = read_foreign(tmp_path / "heads.safetensors")
    assert model.config.audio.conformer == TINY
    whole, report = load_w2v_bert_pretraining(state, tmp_path)
    assert not report.missing
    assert torch.equal(whole.mlm_head.weight, heads().mlm_head.weight)


def test_the_released_sizes_are_read_off_a_folder_s_config(tmp_path: Path) -> None:
    from earshot.models.loading.w2v_bert import encoder_config

    library_config = ConformerConfig.v2().library_config()
    library_config.save_pretrained(tmp_path)
    facts = json.loads((tmp_path / "config.json").read_text())
    assert encoder_config(facts, tmp_path) == ConformerConfig.v2()


def test_what_is_not_this_model_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", library())
    facts = json.loads((folder / "config.json").read_text())
    for change in ({"position_embeddings_type": "rotary"}, {"add_adapter": True}):
        (folder / "config.json").write_text(json.dumps({**facts, **change}))
        with pytest.raises(EarShotError, match="a plain w2v-BERT encoder"):
            load(folder)
    (folder / "config.json").write_text(json.dumps({**facts, "num_hidden_layers": 4}))
    with pytest.raises(EarShotError, match="without: audio_encoder.model.encoder.layers.3"):
        load(folder)
    (folder / "config.json").write_text(json.dumps(facts))
    front = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**front, "num_mel_bins": 40}))
    with pytest.raises(EarShotError, match="40 bands at 16000 Hz"):
        load(folder)
    (folder / "model.safetensors").unlink()
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(EarShotError, match="without weights"):
        load(folder)


def test_files_that_lack_parts_or_hold_code_are_refused(tmp_path: Path) -> None:
    state = fairseq(heads().state_dict())
    bare = {name: t for name, t in state.items() if not name.startswith(("project_q", "quant"))}
    with pytest.raises(EarShotError, match="without quantizer and project_q"):
        load_w2v_bert_pretraining(bare, tmp_path)
    batch_norms = {name: t for name, t in state.items() if "distance_embedding" not in name}
    torch.save(batch_norms, tmp_path / "old.pt")
    with pytest.raises(EarShotError, match="clipped relative positions"):
        load(tmp_path / "old.pt")
    state.pop("encoder.layers.1.ffn2.w_2.bias")
    torch.save(state, tmp_path / "cut.pt")
    with pytest.raises(EarShotError, match="of a variant that EarShot does not know"):
        load(tmp_path / "cut.pt")
    (tmp_path / "code.pt").write_bytes(pickle.dumps(print))
    with pytest.raises(EarShotError, match="Nothing of it was run|whole checkpoint"):
        load(tmp_path / "code.pt")
