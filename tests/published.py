"""Checkpoint files with the published key names and toy shapes, filled with random numbers.

Each builder makes reference modules of `transformers`, and the same weights under the names of the
original code: written here from the published files, not from our loaders.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertModel,
    ClapAudioConfig,
    ClapAudioModel,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    GPT2Config,
    GPT2Model,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
)

from earshot.features.log_mel import LogMel, LogMelConfig


def shake(module: nn.Module, seed: int) -> nn.Module:
    """Random weights and batch norms that are not the identity, in eval mode."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(0, 0.15, generator=draw)
        for name, value in module.named_buffers():
            if name.endswith("running_mean"):
                value.normal_(0, 1, generator=draw)
            if name.endswith("running_var"):
                value.uniform_(0.5, 2, generator=draw)
    return module.eval()


def toy_htsat(fused: bool = False) -> ClapAudioModel:
    """HTSAT on the full-size image and window, eight numbers a patch."""
    config = ClapAudioConfig(
        patch_embeds_hidden_size=8,
        hidden_size=16,
        depths=[2, 1],
        num_attention_heads=[2, 4],
        num_hidden_layers=2,
        enable_fusion=fused,
        fusion_type="aff_2d" if fused else None,
    )
    return shake(ClapAudioModel(config), 1)


def original_htsat(model: ClapAudioModel) -> dict[str, Tensor]:
    """The same weights under the names of the original HTSAT, with all that its files hold."""
    state = {n.removeprefix("audio_encoder."): t for n, t in model.state_dict().items()}
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".attention.self.key" in name or ".attention.self.value" in name:
            continue
        new = name
        if ".attention.self.query" in name:
            parts = [state[name.replace("query", p)] for p in ("query", "key", "value")]
            new, tensor = name.replace("attention.self.query", "attn.qkv"), torch.cat(parts)
        new = new.replace("attention.self.", "attn.").replace("attention.output.dense", "attn.proj")
        new = new.replace("intermediate.dense", "mlp.fc1")
        new = re.sub(r"(?<!attn\.)output\.dense", "mlp.fc2", new)
        new = new.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
        renamed[new.replace("batch_norm", "bn0")] = tensor
    renamed["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 64, 64)
    renamed["tscam_conv.weight"] = torch.randn(527, 16, 2, 3)
    renamed["tscam_conv.bias"] = torch.randn(527)
    renamed["head.weight"], renamed["head.bias"] = torch.randn(527, 527), torch.randn(527)
    return renamed


def stored_front_end(config: LogMelConfig, *, changed: bool = True) -> dict[str, Tensor]:
    """Mel matrix and STFT kernels as the files hold them; `changed`: not what one would compute."""
    n_freq, n_fft = config.n_fft // 2 + 1, config.n_fft
    turns = torch.outer(torch.arange(n_freq), torch.arange(n_fft)) % n_fft
    angle = turns.double() * (-2 * torch.pi / n_fft)
    window = torch.hann_window(n_fft, dtype=torch.float64)
    matrix = LogMel(config).mel_matrix.clone()
    if changed:
        matrix = matrix * torch.linspace(0.5, 2.0, matrix.shape[1])
    return {
        "spectrogram_extractor.stft.conv_real.weight": (angle.cos() * window).float()[:, None],
        "spectrogram_extractor.stft.conv_imag.weight": (angle.sin() * window).float()[:, None],
        "logmel_extractor.melW": matrix,
    }


def toy_roberta(vocab_size: int) -> RobertaModel:
    config = RobertaConfig(
        vocab_size=vocab_size,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=90,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    return shake(RobertaModel(config), 2)


def toy_bert(vocab_size: int) -> BertModel:
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=120,
    )
    return shake(BertModel(config), 3)


def toy_gpt2(vocab_size: int) -> GPT2Model:
    config = GPT2Config(vocab_size=vocab_size, n_embd=64, n_layer=2, n_head=1, n_positions=90)
    return shake(GPT2Model(config), 4)


def toy_t5(vocab_size: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=vocab_size,
        d_model=48,
        d_kv=12,
        d_ff=80,
        num_layers=2,
        num_heads=3,
        feed_forward_proj="gated-gelu",
    )
    return shake(T5EncoderModel(config), 8)


def toy_tokenizer(folder: Path, *, kind: str = "roberta") -> Path:
    """A tokenizer's folder of the kind's class, its vocabulary trained here."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    texts = ["a dog barks", "rain falls on a roof", "this is the sound of glass", "one two three!"]
    if kind == "bert":
        special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
        special |= {"sep_token": "[SEP]", "mask_token": "[MASK]"}
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=200, special_tokens=list(special.values()), show_progress=False
        )
    else:
        # GPT-2's id 0 is "!", and CLAP pads with it; RoBERTa's ids begin <s> <pad> </s>
        first = ["!", "<|endoftext|>"] if kind == "gpt2" else ["<s>", "<pad>", "</s>", "<unk>"]
        special = (
            {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
            if kind == "gpt2"
            else {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>"}
        )
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=first,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    tokenizer.train_from_iterator(texts, trainer)
    ends = {"bert": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>")}.get(kind)
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{ends[0]} $A {ends[1]}",
            special_tokens=[(end, tokenizer.token_to_id(end)) for end in ends],
        )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def clap_directory(folder: Path, *, fused: bool, f_min: float = 50.0) -> ClapModel:
    """A CLAP directory as `transformers` writes it, with toy sizes."""
    toy_tokenizer(folder)
    config = ClapConfig(
        text_config={
            "vocab_size": 400,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "max_position_embeddings": 90,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 16,
            "depths": [1, 1],
            "num_attention_heads": [2, 4],
            "num_hidden_layers": 2,
            "enable_fusion": fused,
            "fusion_type": "aff_2d" if fused else None,
        },
        projection_dim=24,
    )
    torch.manual_seed(0)
    model = shake(ClapModel(config), 1)
    with torch.no_grad():
        model.logit_scale_a.fill_(3.0)
    model.save_pretrained(folder)
    ClapFeatureExtractor(
        frequency_min=f_min, truncation="fusion" if fused else "rand_trunc"
    ).save_pretrained(folder)
    return model


def clip(n_samples: int, seed: int = 0) -> np.ndarray:
    """A noise with a tone in it."""
    draw = np.random.default_rng(seed)
    tone = np.sin(np.arange(n_samples) * draw.uniform(0.02, 0.3))
    return (0.3 * tone + 0.1 * draw.standard_normal(n_samples)).astype(np.float32)
