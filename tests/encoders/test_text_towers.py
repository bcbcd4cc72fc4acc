from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from earshot.core.errors import EarShotError
from earshot.encoders.pretrained_text import PretrainedText
from earshot.encoders.text_transformer import TextTransformer, TextTransformerConfig
from published import toy_bert, toy_gpt2, toy_roberta, toy_t5

TOKENS = torch.tensor([[5, 9, 7, 3, 0, 0], [5, 8, 6, 4, 2, 3]])


def towers() -> dict[str, tuple[nn.Module, int]]:
    """Each tower in eval mode, and its padding id."""
    torch.manual_seed(0)
    own = TextTransformer(20, TextTransformerConfig(dim=8, depth=1, n_heads=2)).eval()
    return {
        "own": (own, 0),
        "roberta": (PretrainedText(toy_roberta(20), "pooler"), 1),
        "bert": (PretrainedText(toy_bert(20), "first"), 0),
        "gpt2": (PretrainedText(toy_gpt2(20), "last"), 0),
        "t5": (PretrainedText(toy_t5(20), "mean"), 0),
        "t5 over padding": (PretrainedText(toy_t5(20), "mean", pad_to=9), 0),
    }


@pytest.mark.parametrize("name", ["own", "roberta", "bert", "gpt2", "t5", "t5 over padding"])
def test_padding_changes_nothing_and_order_does(name: str) -> None:
    tower, pad = towers()[name]
    tokens = TOKENS.clone()
    tokens[0, 4:] = pad
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[0, 4:] = True
    with torch.inference_mode():
        rows = tower(tokens, padding)
        alone = tower(tokens[:1, :4], padding[:1, :4])
        swapped = tokens[:1, [0, 2, 1, 3]]
        other = tower(swapped, padding[:1, :4])
    assert rows.shape == (2, tower.dim)
    assert torch.allclose(rows[0], alone[0], atol=1e-5)
    assert not torch.allclose(alone, other, atol=1e-4)


def test_each_tower_is_read_at_its_place() -> None:
    none = torch.zeros_like(TOKENS, dtype=torch.bool)
    none[0, 4:] = True
    seen = (~none).long()
    with torch.inference_mode():
        bert, gpt2 = toy_bert(20), toy_gpt2(20)
        first = bert(TOKENS, attention_mask=seen).last_hidden_state[:, 0]
        assert torch.allclose(PretrainedText(bert, "first")(TOKENS, none), first, atol=1e-6)
        hidden = gpt2(TOKENS, attention_mask=seen).last_hidden_state
        last = PretrainedText(gpt2, "last")(TOKENS, none)
    assert torch.allclose(last, torch.stack([hidden[0, 3], hidden[1, 5]]), atol=1e-6)


def test_t5_is_read_as_a_mean_over_its_tokens_or_over_padding_too() -> None:
    none = torch.zeros_like(TOKENS, dtype=torch.bool)
    none[0, 4:] = True
    t5 = toy_t5(20)
    with torch.inference_mode():
        hidden = t5(TOKENS, attention_mask=(~none).long()).last_hidden_state
        mean = PretrainedText(t5, "mean")(TOKENS, none)
        padded = torch.cat([TOKENS, torch.zeros(2, 3, dtype=torch.int64)], 1)
        seen = torch.cat([(~none).long(), torch.zeros(2, 3, dtype=torch.int64)], 1)
        longer = t5(padded, attention_mask=seen).last_hidden_state
        over_padding = PretrainedText(t5, "mean", pad_to=9)(TOKENS, none)
    assert torch.allclose(mean, torch.stack([hidden[0, :4].mean(0), hidden[1].mean(0)]), atol=1e-6)
    assert torch.allclose(over_padding, longer.mean(1), atol=1e-6)
    assert not torch.allclose(over_padding, mean, atol=1e-3)


def test_the_published_reading_of_gpt2_miscounts_an_exclamation_mark() -> None:
    gpt2 = toy_gpt2(20)
    tokens = torch.tensor([[5, 0, 7, 3]])  # id 0 is "!" and also the padding
    none = torch.zeros_like(tokens, dtype=torch.bool)
    with torch.inference_mode():
        hidden = gpt2(tokens).last_hidden_state
        assert torch.allclose(PretrainedText(gpt2, "last")(tokens, none)[0], hidden[0, 2])


def test_a_model_without_pooler_is_refused() -> None:
    config = BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    with pytest.raises(EarShotError, match="add_pooling_layer"):
        PretrainedText(BertModel(config, add_pooling_layer=False), "pooler")
