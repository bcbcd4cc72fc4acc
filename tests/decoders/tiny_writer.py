"""A language model and a tokenizer of next to nothing, for tests of what writes."""

from __future__ import annotations

import torch

from earshot.decoders.language_model import (
    LanguageModelConfig,
    LoraSettings,
    build_language_model,
)
from earshot.decoders.prefix import PrefixDecoder
from earshot.text.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer

CAPTIONS = ["a dog barks", "a cat meows", "rain falls while a dog barks"]


def tiny_tokenizer() -> CaptionTokenizer:
    return train_caption_tokenizer(CAPTIONS, 280)


def tiny_config(kind: str = "gpt2", lora: LoraSettings | None = None) -> LanguageModelConfig:
    return LanguageModelConfig(
        kind,  # type: ignore[arg-type]
        dim=32,
        depth=2,
        n_heads=2,
        mlp_dim=64,
        vocab_size=280,
        max_positions=96,
        dropout=0.0,
        lora=lora,
    )


def tiny_writer(kind: str = "gpt2", lora: LoraSettings | None = None) -> PrefixDecoder:
    torch.manual_seed(0)
    return PrefixDecoder(build_language_model(tiny_config(kind, lora)), tiny_tokenizer()).eval()
