"""Text towers through `transformers`: RoBERTa, BERT, GPT-2 and T5, each read its own way."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError

Reading = Literal["pooler", "first", "last", "mean"]


class PretrainedText(nn.Module):
    """A `transformers` text model and the place where CLAP reads it.

    "pooler": the pooler's output (LAION, RoBERTa or BERT). "first": the first token's hidden state
    (Microsoft 2022, BERT). "last": the hidden state at (count of ids that are not 0) - 1
    (Microsoft 2023, GPT-2), which is the last real token unless the text itself holds "!", whose
    id is the padding's: a bug of the published code, reproduced so that its weights mean the same.
    "mean": the mean of the hidden states of the real tokens (T5). With `pad_to` texts are padded to
    that many tokens, and the mean is over all of them, padding too: a bug of CompA's released code,
    reproduced for its weights alone.
    """

    def __init__(self, model: nn.Module, reading: Reading, *, pad_to: int | None = None):
        super().__init__()
        self.model, self.reading, self.pad_to = model, reading, pad_to
        self.dim: int = model.config.hidden_size
        if reading == "pooler" and getattr(model, "pooler", None) is None:
            raise EarShotError(
                got=f"{type(model).__name__} without a pooler",
                expected="a text model with one",
                mend="Build it with add_pooling_layer=True, or read its first or last token.",
            )

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """tokens [batch, tokens] int64, padding [batch, tokens] -> [batch, dim]."""
        if self.pad_to is not None:
            n_more = max(0, self.pad_to - tokens.shape[1])
            padding = F.pad(padding, (0, n_more), value=True)
            pad_id = self.model.config.pad_token_id or 0
            tokens = F.pad(tokens, (0, n_more)).masked_fill(padding, pad_id)
        output = self.model(input_ids=tokens, attention_mask=(~padding).long())
        if self.reading == "pooler":
            return output.pooler_output
        hidden = output.last_hidden_state  # [batch, tokens, dim]
        if self.reading == "first":
            return hidden[:, 0]
        if self.reading == "mean":
            if self.pad_to is not None:
                return hidden.mean(1)
            real = (~padding)[..., None].to(hidden)  # [batch, tokens, 1]
            return (hidden * real).sum(1) / real.sum(1).clamp(min=1)
        last = (tokens.ne(0).sum(1) - 1).clamp(min=0)
        return hidden[torch.arange(len(hidden), device=hidden.device), last]


def roberta_text(config: object | None = None) -> PretrainedText:
    """LAION's: RoBERTa-base read at its pooler; pass a RobertaConfig for another size."""
    from transformers import RobertaConfig, RobertaModel

    config = config or RobertaConfig(
        vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
    )
    return PretrainedText(RobertaModel(config), "pooler")


def bert_text(config: object | None = None, reading: Reading = "first") -> PretrainedText:
    """Microsoft 2022's: BERT-base read at its first token; pass a BertConfig for another size."""
    from transformers import BertConfig, BertModel

    return PretrainedText(BertModel(config or BertConfig()), reading)


def gpt2_text(config: object | None = None) -> PretrainedText:
    """Microsoft 2023's: GPT-2 read at its last token; pass a GPT2Config for another size."""
    from transformers import GPT2Config, GPT2Model

    return PretrainedText(GPT2Model(config or GPT2Config()), "last")


def t5_text(config: object | None = None, *, pad_to: int | None = None) -> PretrainedText:
    """CompA's: the encoder of Flan-T5-large, read as a mean; pass a T5Config for another size."""
    from transformers import T5Config, T5EncoderModel

    config = config or T5Config(
        vocab_size=32_128,
        d_model=1_024,
        d_ff=2_816,
        num_layers=24,
        num_heads=16,
        feed_forward_proj="gated-gelu",
    )
    return PretrainedText(T5EncoderModel(config), "mean", pad_to=pad_to)
