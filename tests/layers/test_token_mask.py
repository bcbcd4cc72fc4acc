from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.token_mask import TokenMask
from earshot.objectives.embedding_spread import embedding_spread
from earshot.text.masking import mask_ids
from earshot.text.tokenizer import WordTokenizer


def test_a_quarter_of_the_words_is_hidden_and_nothing_else() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(5, 90, (40, 50))
    tokens[:, 0] = 1
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[:, 30:] = True
    mask = TokenMask(99, 0.25, kept=(1,))
    hidden = mask(tokens, padding) == 99
    assert not hidden[:, 0].any()
    assert not hidden[:, 30:].any()
    assert 0.2 < hidden[:, 1:30].float().mean() < 0.3
    assert torch.equal(mask.eval()(tokens, padding), tokens)
    with pytest.raises(EarShotError, match="below 1"):
        TokenMask(99, 1.0)


def test_a_tokenizer_of_ours_hides_words_behind_one_id() -> None:
    ids = mask_ids(WordTokenizer())
    tokens, _ = WordTokenizer()(["a dog barks"])
    assert ids.mask not in tokens[0].tolist()
    assert int(tokens[0, 0]) in ids.kept


def test_spread_is_smallest_for_rows_along_axes() -> None:
    flat, axes = torch.full((4, 16), 0.25), torch.eye(16)[:4]
    assert embedding_spread(flat) == pytest.approx(0.25 / 2)  # mean |a| over sqrt(batch)
    assert embedding_spread(axes) == pytest.approx(1 / 16 / 2)
    rows = torch.nn.functional.normalize(torch.randn(4, 16), dim=1)
    assert embedding_spread(axes) < embedding_spread(rows) < embedding_spread(flat)
