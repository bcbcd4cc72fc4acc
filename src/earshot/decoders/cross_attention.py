"""A decoder that looks at a sound's states through cross-attention while it writes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.decoders.decoding import Candidate, DecodingConfig, draws, generation_config
from earshot.decoders.targets import (
    NO_TARGET,
    candidates_of,
    mean_log_probability,
    mean_nats,
    until_end,
    words_of,
)
from earshot.layers.pooling import padding_of
from earshot.text.caption_tokenizer import CaptionTokenizer

OFFSET = 2  # rows that BART's tables of positions have before the first position


@dataclass(frozen=True)
class CrossDecoderConfig:
    """Sizes of the decoder; the defaults are those of arXiv:2309.17352, 95.8 M parameters."""

    vocab_size: int = 50_265
    dim: int = 768
    depth: int = 6
    n_heads: int = 16  # BART-base has 12; the released config leaves the library's default
    mlp_dim: int = 3_072
    most_tokens: int = 128  # of a caption, its end included
    most_positions: int = 512  # of a sound; 0: none are added to its states, of any number
    with_bos: bool = False  # captions begin with the end's id and the beginning's, not the first
    dropout: float = 0.1

    def __post_init__(self) -> None:
        sizes = (self.vocab_size, self.depth, self.mlp_dim, self.most_tokens)
        if min(sizes) < 1 or self.most_positions < 0 or self.n_heads < 1 or self.dim % self.n_heads:
            raise EarShotError(
                got=f"dim={self.dim}, n_heads={self.n_heads}, vocab_size={self.vocab_size}, "
                f"depth={self.depth}, mlp_dim={self.mlp_dim}, most_tokens={self.most_tokens}, "
                f"most_positions={self.most_positions}",
                expected="a dim that the heads share evenly, and at least 1 of each",
                mend="The paper has 768, 16, 50265, 6, 3072, 128 and 512.",
            )

    def library_config(self) -> Any:
        """The decoder in transformers' words."""
        from transformers import BartConfig

        return BartConfig(
            vocab_size=self.vocab_size,
            d_model=self.dim,
            decoder_layers=self.depth,
            decoder_attention_heads=self.n_heads,
            decoder_ffn_dim=self.mlp_dim,
            max_position_embeddings=self.most_tokens,
            dropout=self.dropout,
            attention_dropout=self.dropout,
            activation_dropout=self.dropout,
            decoder_layerdrop=0.0,
            pad_token_id=None,
            forced_eos_token_id=None,  # else what is cut would be made to end
            tie_word_embeddings=True,
        )


class CrossDecoder(nn.Module):
    """`transformers`' BART decoder over the states of a sound, its head tied to its words.

    Captions begin with the end's id, as BART's do, and end with it. A learned table of positions is
    added to the states before they are looked at, unless the config has none. `tokenizer` is handed
    in, or set after loading. Neither padding nor batch-mates change what is written.
    Source: arXiv:2309.17352, section 2 and released code.
    """

    def __init__(
        self, config: CrossDecoderConfig, tokenizer: CaptionTokenizer | None = None
    ) -> None:
        super().__init__()
        from transformers import BartForCausalLM

        self.config, self.dim, self.tokenizer = config, config.dim, tokenizer
        self.n_ids = config.vocab_size
        self.language_model = BartForCausalLM(config.library_config())
        head = self.language_model.lm_head
        head.bias = nn.Parameter(torch.zeros(config.vocab_size))  # BART's final_logits_bias, learnt
        self.cross_embed_positions: nn.Embedding | None = None
        if config.most_positions:
            self.cross_embed_positions = nn.Embedding(config.most_positions + OFFSET, config.dim)
            nn.init.normal_(self.cross_embed_positions.weight, std=0.02)

    def loss(
        self,
        memory: Tensor,
        n_positions: Tensor,
        captions: Sequence[str],
        *,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Mean nats a token of captions and their ends, one a row.

        memory [batch, positions, dim], of which n_positions [batch] first ones are real. Captions
        over `most_tokens` are cut and then have no end.
        """
        logits, targets = self._logits(memory, n_positions, self._encode(captions))
        return mean_nats(logits, targets, label_smoothing)

    def log_probability(
        self, memory: Tensor, n_positions: Tensor, captions: Sequence[str]
    ) -> Tensor:
        """Mean log-probability a token of each caption with its end, [batch], at most 0."""
        return self._scores(memory, n_positions, self._encode(captions))

    @torch.no_grad()
    def generate(
        self, memory: Tensor, n_positions: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """Captions of each row, the surest first; arguments as `loss` has them.

        The same for the same seed, whatever rows are decoded together. Evaluation mode is up to
        the caller. A decoding longer than `most_tokens` is refused.
        """
        if not len(memory):
            return []
        most = self.config.most_tokens - len(self._begin) + 1
        if decoding.max_tokens > most:
            raise EarShotError(
                got=f"max_tokens={decoding.max_tokens}",
                expected=f"at most {most}, the decoder's positions",
                mend="Lower max_tokens.",
            )
        words = self._words
        placed, seen = self._look(memory, n_positions)
        copies = torch.arange(len(memory), device=memory.device).repeat_interleave(decoding.copies)
        begin = torch.tensor([self._begin] * len(copies), device=memory.device)
        ids = self.language_model.generate(
            begin,
            attention_mask=torch.ones_like(begin),
            encoder_hidden_states=placed[copies],
            encoder_attention_mask=seen[copies],
            generation_config=generation_config(decoding, words, self.n_ids),
            logits_processor=draws(decoding),
            **_empty_cache(),
        )
        written = [until_end(row[begin.shape[1] :], words.eos_id) for row in ids.tolist()]
        clips = torch.arange(len(memory), device=memory.device).repeat_interleave(decoding.rows)
        scores = self._scores(memory[clips], n_positions[clips], written)
        return candidates_of(written, scores, words, decoding.rows)

    @property
    def _words(self) -> CaptionTokenizer:
        return words_of(self.tokenizer)

    @property
    def _begin(self) -> list[int]:
        """What stands before every caption."""
        words = self._words
        return [words.eos_id, words.bos_id] if self.config.with_bos else [words.eos_id]

    def _encode(self, captions: Sequence[str]) -> list[list[int]]:
        most = self.config.most_tokens - len(self._begin) + 1
        return self._words.encode(captions, max_tokens=most)

    def _look(self, memory: Tensor, n_positions: Tensor) -> tuple[Tensor, Tensor]:
        """States with their positions added, and where they are real."""
        n = memory.shape[1]
        check_shape(
            "memory",
            memory,
            (len(n_positions), "positions", self.dim),
            mend="Give one memory and its length a row, as wide as the decoder.",
        )
        if self.cross_embed_positions is None:
            return memory, ~padding_of(n_positions, n)
        if n > self.config.most_positions:
            raise EarShotError(
                got=f"a sound of {n} positions",
                expected=f"at most {self.config.most_positions}, the decoder's table",
                mend="Cut it into shorter windows.",
            )
        places = torch.arange(OFFSET, OFFSET + n, device=memory.device)
        return memory + self.cross_embed_positions(places), ~padding_of(n_positions, n)

    def _logits(
        self, memory: Tensor, n_positions: Tensor, words: Sequence[Sequence[int]]
    ) -> tuple[Tensor, Tensor]:
        """Scores [batch, tokens, vocabulary] before each target [batch, tokens]."""
        placed, seen = self._look(memory, n_positions)
        if len(words) != len(memory):
            raise EarShotError(
                got=f"{len(words)} captions for {len(memory)} sounds",
                expected="one each",
                mend="Repeat the memory of a sound for each of its captions.",
            )
        width = max(len(row) for row in words)
        targets = torch.full((len(words), width), NO_TARGET, device=memory.device)
        for row, ids in zip(targets, words, strict=True):
            row[: len(ids)] = torch.tensor(ids, device=memory.device)
        begin = torch.tensor(self._begin, device=memory.device)
        given = torch.cat([begin.expand(len(words), -1), targets[:, :-1]], dim=1)
        given = given.masked_fill(given == NO_TARGET, self._words.pad_id)  # seen by none before it
        out = self.language_model(
            input_ids=given,
            encoder_hidden_states=placed,
            encoder_attention_mask=seen,
            use_cache=False,
        )
        return out.logits[:, len(begin) - 1 :].float(), targets

    def _scores(
        self, memory: Tensor, n_positions: Tensor, words: Sequence[Sequence[int]]
    ) -> Tensor:
        """Mean log-probability of each row's ids."""
        logits, targets = self._logits(memory, n_positions, words)
        return mean_log_probability(logits, targets)


@cache
def _cache_name() -> str:
    """What the installed transformers calls the keys and values that a decoder keeps."""
    from transformers.models.bart.modeling_bart import BartDecoder

    known = inspect.signature(BartDecoder.forward).parameters
    return "cache" if "cache" in known else "past_key_values"


def _empty_cache() -> dict[str, Any]:
    """Keys and values of words and of the sound kept apart; by itself the library mixes them."""
    from transformers import DynamicCache, EncoderDecoderCache

    return {_cache_name(): EncoderDecoderCache(DynamicCache(), DynamicCache())}
