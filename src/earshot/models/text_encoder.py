"""Symbols to states: the text half of joint speech-text pre-training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.models.speech_to_text.modeling_speech_to_text import (
    Speech2TextEncoderLayer,
    Speech2TextSinusoidalPositionalEmbedding,
)

from earshot.core.errors import EarShotError
from earshot.models.speech_to_text import (
    SpeechToTextConfig,
    States,
    begin_as_fairseq,
    run_layers,
    transformers_config,
)
from earshot.text.vocabulary import PAD


@dataclass(frozen=True)
class TextEncoderConfig:
    """How many symbols and layers; width, heads and dropout are those of the speech encoder."""

    vocab_size: int = 10_000
    depth: int = 6
    most_symbols: int = 1_024  # of one text


class TextEncoder(nn.Module):
    """Embedding times sqrt(dim), sinusoids, pre-norm layers as in the speech encoder.

    Its states can stand where a speech encoder's do: before the same decoder, or opposite them in a
    transport. Source: arXiv:2301.11716, section 3.1.
    """

    def __init__(self, config: TextEncoderConfig, speech: SpeechToTextConfig) -> None:
        super().__init__()
        like = transformers_config(speech)
        self.config, self.dropout, self.embed_scale = config, speech.dropout, speech.dim**0.5
        self.embed_tokens = nn.Embedding(config.vocab_size, speech.dim, PAD)
        self.embed_positions = Speech2TextSinusoidalPositionalEmbedding(
            config.most_symbols, speech.dim, PAD
        )
        self.layers = nn.ModuleList(Speech2TextEncoderLayer(like) for _ in range(config.depth))
        self.layer_norm = nn.LayerNorm(speech.dim)
        for layer in self.layers:
            layer.self_attn.config._attn_implementation = "eager"
        begin_as_fairseq(self)

    def forward(self, tokens: Tensor, n_tokens: Tensor) -> States:
        """States of symbols [batch, tokens] with n_tokens [batch] real ones, at least one each."""
        if not bool((n_tokens >= 1).all()):
            raise EarShotError(
                got="a text without a symbol",
                expected="at least one in every text",
                mend="Leave empty transcripts out.",
            )
        n_real = n_tokens.to(tokens.device)
        padding = torch.arange(tokens.shape[1], device=tokens.device) >= n_real[:, None]
        hidden = self.embed_tokens(tokens) * self.embed_scale
        return States(run_layers(self, hidden, padding, self.dropout), n_real)
