from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BartConfig, Wav2Vec2ConformerConfig
from transformers.models.bart.modeling_bart import BartDecoder, BartLearnedPositionalEmbedding
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerEncoder,
)

from decoders.tiny_writer import CAPTIONS, tiny_tokenizer
from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.models.loading.beats_bart import read_beats_bart
from published import shake

VOCABULARY, DIM = 280, 32
BEATS = BeatsConfig(embed_dim=12, n_classes=5, transformer=DeepNormConfig(
    dim=DIM, depth=3, n_heads=2, mlp_dim=24, conv_width=8, conv_groups=4))  # fmt: skip
FACTS = {"encoder_repr_layer_idx": 2, "encoder_downsample_rate": 3, "d_model": DIM}


def parts() -> SimpleNamespace:
    """The modules that the released model is made of, of the library itself."""
    conformer = Wav2Vec2ConformerConfig(
        hidden_size=DIM, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
        conv_depthwise_kernel_size=7, position_embeddings_type="relative", hidden_act="swish",
        layerdrop=0.0, attn_implementation="eager",
    )  # fmt: skip
    bart = BartConfig(
        vocab_size=VOCABULARY, d_model=DIM, decoder_layers=2, decoder_ffn_dim=40,
        max_position_embeddings=24, attn_implementation="eager", decoder_layerdrop=0.0,
    )  # fmt: skip
    assert bart.decoder_attention_heads == 16  # the default that the released config leaves as is
    return SimpleNamespace(
        encoder=shake(BeatsEncoder(BEATS), 0),
        downsample_conv=shake(nn.Conv1d(DIM, DIM, 4, 3), 1),
        postencoder=shake(Wav2Vec2ConformerEncoder(conformer), 2),
        fc1=shake(nn.Linear(DIM, 20, bias=False), 3),
        bn=shake(nn.BatchNorm1d(20), 4),
        fc2=shake(nn.Linear(20, 6, bias=False), 5),
        decoder=shake(BartDecoder(bart), 6),
        bias=torch.randn(1, VOCABULARY, generator=torch.Generator().manual_seed(7)),
        positions=shake(BartLearnedPositionalEmbedding(64, DIM), 8),
    )


def released(made: SimpleNamespace) -> dict[str, Tensor]:
    """Their tensors under the released names, those of weight norm as transformers 4.22 had."""
    state: dict[str, Tensor] = {}
    table = "encoder.layers.{}.self_attn.relative_attention_bias.weight"
    beats = dict(made.encoder.state_dict())
    beats |= {table.format(i): beats[table.format(0)] for i in range(3)}
    state |= {f"encoder.{name}": value for name, value in beats.items()}
    for name in ("downsample_conv", "postencoder", "decoder"):
        for key, value in getattr(made, name).state_dict().items():
            old = key.replace("parametrizations.weight.original0", "weight_g")
            old = old.replace("parametrizations.weight.original1", "weight_v")
            state[f"{name}.{old}"] = value
    for name in ("fc1", "bn", "fc2"):
        for key, value in getattr(made, name).state_dict().items():
            state[f"encoder_embed_mlp.{name}.{key}"] = value
    state["lm_head.weight"] = state["decoder.embed_tokens.weight"]
    state["final_logits_bias"] = made.bias
    state["cross_embed_positions.weight"] = made.positions.weight.detach()
    return state


def write(folder: Path, state: dict[str, Tensor]) -> Path:
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(FACTS))
    return folder


@torch.no_grad()
def test_the_released_file_says_what_the_library_s_modules_do(tmp_path: Path) -> None:
    made = parts()
    model, report = read_beats_bart(write(tmp_path / "model", released(made)))
    assert report.kind == "BEATs-Conformer-BART captioner"
    assert not report.unexpected
    assert report.renamed["final_logits_bias"] == "decoder.language_model.lm_head.bias"
    assert model.config.layer == 2
    assert model.config.decoder.n_heads == 16
    assert (model.config.decoder.most_tokens, model.config.decoder.most_positions) == (24, 64)
    assert model.window_s == 30.0
    waveform = 0.1 * torch.randn(1, 24_000, generator=torch.Generator().manual_seed(9))
    n_samples = torch.tensor([24_000])
    log_mel, n_frames = KaldiFbank(KaldiFbankConfig.beats())(waveform, n_samples)
    patches, padding = made.encoder.patches(log_mel, n_frames)
    placed = made.encoder.encoder.place(made.encoder.embed(patches), padding)
    states = made.encoder.encoder.states(placed, padding)[2]
    fewer = made.downsample_conv(states.transpose(1, 2)).transpose(1, 2)
    memory = made.postencoder(fewer.clone()).last_hidden_state
    found, n = model.hear(*model.encoder_states(waveform, n_samples))
    assert n.tolist() == [memory.shape[1]]
    assert torch.allclose(found, memory, atol=1e-4)
    head = made.fc2(F.gelu(made.bn(made.fc1(memory.mean(1)))))
    assert torch.allclose(model.sentence(found, n), F.normalize(head), atol=1e-4)
    words = tiny_tokenizer()
    model.decoder.tokenizer = words
    places = torch.arange(memory.shape[1])[None]
    seen = memory + made.positions(places)
    for caption in CAPTIONS:
        [ids] = words.encode([caption], max_tokens=24)
        given = torch.tensor([[words.eos_id, *ids[:-1]]])  # decoder_start_token_id is the end's
        hidden = made.decoder(input_ids=given, encoder_hidden_states=seen).last_hidden_state
        logits = hidden @ made.decoder.embed_tokens.weight.T + made.bias
        expected = -F.cross_entropy(logits[0], torch.tensor(ids))
        assert torch.allclose(model.decoder.log_probability(found, n, [caption])[0], expected,
                              atol=1e-4)  # fmt: skip


def test_newer_names_and_a_head_left_out_are_the_same_weights(tmp_path: Path) -> None:
    state = released(parts())
    one, _ = read_beats_bart(write(tmp_path / "one", state))
    stem = "postencoder.pos_conv_embed.conv."
    state[f"{stem}parametrizations.weight.original0"] = state.pop(f"{stem}weight_g")
    state[f"{stem}parametrizations.weight.original1"] = state.pop(f"{stem}weight_v")
    del state["lm_head.weight"]
    other, _ = read_beats_bart(write(tmp_path / "other", state) / "pytorch_model.bin")
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_published_names_and_sizes_are_all_taken() -> None:
    """Of the full-size model, on the meta device: every released name has its place."""
    from earshot.models.loading.beats_bart import _placed
    from earshot.recipes import beats_bart

    with torch.device("meta"):
        own = beats_bart.build(beats_bart.Config.paper()).state_dict()
    shapes = {
        "downsample_conv.weight": (768, 768, 4),
        "final_logits_bias": (1, 50_265),
        "lm_head.weight": (50_265, 768),
        "decoder.embed_positions.weight": (130, 768),
        "cross_embed_positions.weight": (514, 768),
        "encoder_embed_mlp.fc1.weight": (3_072, 768),
        "encoder_embed_mlp.fc2.weight": (768, 3_072),
        "postencoder.layers.1.self_attn.pos_bias_u": (12, 64),
    }
    for name, shape in shapes.items():
        [(ours, value)] = _placed(name, torch.empty(shape, device="meta")).items()
        assert own[ours].shape == value.shape
    assert own["encoder.audio_encoder.patch_embedding.weight"].shape == (512, 1, 16, 16)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="Correct the path"):
        read_beats_bart(tmp_path)
    with pytest.raises(EarShotError, match="of the released captioner"):
        read_beats_bart(write(tmp_path / "a", {"x": torch.zeros(1)}))
    state = released(parts())
    del state["postencoder.layers.1.ffn1.output_dense.weight"]
    with pytest.raises(EarShotError, match="incomplete"):
        read_beats_bart(write(tmp_path / "b", state))
    state = released(parts())
    del state["encoder_embed_mlp.fc1.weight"]
    with pytest.raises(EarShotError, match="download it again"):
        read_beats_bart(write(tmp_path / "c", state))
