from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.text.deferred import DeferredTokenizer


def test_nothing_is_read_before_the_first_text(tmp_path: Path) -> None:
    tokenizer = DeferredTokenizer(str(tmp_path), vocab_size=50, max_tokens=8)
    assert tokenizer.vocab_size == 50
    with pytest.raises(EarShotError, match="tokenizer"):
        tokenizer(["a dog"])


def test_it_reads_as_the_tokenizer_itself(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    library = Tokenizer(models.WordLevel({"<pad>": 0, "a": 1, "dog": 2, "<unk>": 3}, "<unk>"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=library, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(tmp_path)
    tokenizer = DeferredTokenizer(str(tmp_path), vocab_size=4, max_tokens=2)
    tokens, padding = tokenizer(["a dog barks", "dog"])
    assert tokens.tolist() == [[1, 2], [2, 0]]
    assert padding.tolist() == [[False, False], [False, True]]
