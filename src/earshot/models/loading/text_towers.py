"""Published text towers from the shapes of their weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.pretrained_text import (
    PretrainedText,
    Reading,
    gpt2_text,
    t5_text,
)
from earshot.text.pretrained import PretrainedTokenizer

HEAD_DIM = 64  # of every published tower; heads do not show in shapes


def bert_like(state: Mapping[str, Tensor], reading: Reading) -> PretrainedText:
    """BERT or RoBERTa: the latter has one token type and layer norms with eps 1e-5.

    It has a pooler where it is read there, or where the state brings one.
    """
    from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

    try:
        words = state["embeddings.word_embeddings.weight"]  # [vocab_size, dim]
        positions = state["embeddings.position_embeddings.weight"]
        types = state["embeddings.token_type_embeddings.weight"]
        inner = state["encoder.layer.0.intermediate.dense.weight"]  # [inner, dim]
    except KeyError as fault:
        raise _unknown(state) from fault
    sizes = {
        "vocab_size": len(words),
        "hidden_size": words.shape[1],
        "num_hidden_layers": _depth(state, r"encoder\.layer\.(\d+)\."),
        "num_attention_heads": _heads(words.shape[1]),
        "intermediate_size": len(inner),
        "max_position_embeddings": len(positions),
        "type_vocab_size": len(types),
    }
    pooled = reading == "pooler" or "pooler.dense.weight" in state
    if len(types) == 1:
        roberta = RobertaConfig(layer_norm_eps=1e-5, **sizes)
        return PretrainedText(RobertaModel(roberta, add_pooling_layer=pooled), reading)
    bert = BertConfig(layer_norm_eps=1e-12, **sizes)
    return PretrainedText(BertModel(bert, add_pooling_layer=pooled), reading)


def gpt2_like(state: Mapping[str, Tensor]) -> PretrainedText:
    """GPT-2."""
    from transformers import GPT2Config

    try:
        words, positions = state["wte.weight"], state["wpe.weight"]
        inner = state["h.0.mlp.c_fc.weight"].shape[1]
    except KeyError as fault:
        raise _unknown(state) from fault
    config = GPT2Config(
        vocab_size=len(words),
        n_embd=words.shape[1],
        n_layer=_depth(state, r"h\.(\d+)\."),
        n_head=_heads(words.shape[1]),
        n_inner=inner,
        n_positions=len(positions),
        bos_token_id=len(words) - 1,
        eos_token_id=len(words) - 1,
    )
    return gpt2_text(config)


def t5_like(state: Mapping[str, Tensor], *, pad_to: int | None) -> PretrainedText:
    """T5's encoder; the number of heads shows in its table of relative positions."""
    from transformers import T5Config

    first = "encoder.block.0.layer."
    try:
        words = state["shared.weight"]  # [vocab_size, dim]
        buckets = state[f"{first}0.SelfAttention.relative_attention_bias.weight"]
        query = state[f"{first}0.SelfAttention.q.weight"]  # [heads * head dim, dim]
        out = state[f"{first}1.DenseReluDense.wo.weight"]  # [dim, inner]
    except KeyError as fault:
        raise _unknown(state) from fault
    gated = f"{first}1.DenseReluDense.wi_0.weight" in state
    config = T5Config(
        vocab_size=len(words),
        d_model=words.shape[1],
        d_kv=len(query) // buckets.shape[1],
        d_ff=out.shape[1],
        num_layers=_depth(state, r"encoder\.block\.(\d+)\."),
        num_heads=buckets.shape[1],
        relative_attention_num_buckets=len(buckets),
        feed_forward_proj="gated-gelu" if gated else "relu",
    )
    return t5_text(config, pad_to=pad_to)


def is_t5(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of T5's encoder."""
    return any(name.startswith("encoder.block.0.layer.0.SelfAttention") for name in state)


def is_gpt2(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are GPT-2's."""
    return "wte.weight" in state


def check_vocabulary(tokenizer: PretrainedTokenizer, n_words: int, source: str | Path) -> None:
    """Refuse a tokenizer that knows more words than the tower has embeddings for."""
    if tokenizer.vocab_size > n_words:
        raise EarShotError(
            got=f"the tokenizer of {source} with {tokenizer.vocab_size} words",
            expected=f"at most {n_words}, the text tower's",
            mend="Pass the tokenizer that the checkpoint was trained with.",
        )


def _depth(state: Mapping[str, Tensor], pattern: str) -> int:
    return 1 + max(int(found[1]) for name in state if (found := re.match(pattern, name)))


def _heads(dim: int) -> int:
    if dim % HEAD_DIM:
        raise EarShotError(
            got=f"a text tower {dim} wide",
            expected=f"a multiple of {HEAD_DIM}, the width of a head in every published tower",
            mend="Save it as a transformers CLAP directory, whose config names its heads.",
        )
    return dim // HEAD_DIM


def _unknown(state: Mapping[str, Tensor]) -> EarShotError:
    return EarShotError(
        got=f"a text tower with keys such as {', '.join(sorted(state)[:3]) or 'none'}",
        expected="RoBERTa, BERT, GPT-2 or T5",
        mend="Towers of other kinds (BART, CLIP's) were never released; use another checkpoint.",
    )
