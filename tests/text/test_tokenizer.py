from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.text.clean import clean
from earshot.text.tokenizer import PAD, START, BpeTokenizer, ByteTokenizer, WordTokenizer

CAPTIONS = ["a dog barks twice", "rain falls on a tin roof", "a bell rings then a dog barks"]
TOKENIZERS = {
    "bytes": ByteTokenizer(32),
    "words": WordTokenizer(512, 8),
    "bpe": BpeTokenizer.train(CAPTIONS, vocab_size=400, max_tokens=16),
}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(deadline=None, derandomize=True, max_examples=40)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_any_text_gives_rows_that_neighbours_do_not_change(name: str, texts: list[str]) -> None:
    tokenizer = TOKENIZERS[name]
    tokens, padding = tokenizer(texts)
    assert tokens.shape == padding.shape
    assert tokens.shape[1] <= tokenizer.max_tokens
    assert int(tokens.max()) < tokenizer.vocab_size
    assert not padding[:, 0].any()
    assert (tokens[:, 0] == START).all()
    assert (tokens[padding] == PAD).all()
    for row, pad, text in zip(tokens, padding, texts, strict=True):
        alone, _ = tokenizer([text])
        assert row[~pad].tolist() == alone[0].tolist()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_order_and_words_show(name: str) -> None:
    rows = [TOKENIZERS[name]([text])[0].tolist() for text in ("dog bell", "bell dog", "dog cat")]
    assert rows[0] != rows[1]
    assert rows[0] != rows[2]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_huge_text_is_cut_and_no_texts_are_no_rows(name: str) -> None:
    tokens, _ = TOKENIZERS[name](["word " * 20_000])
    assert tokens.shape[1] == TOKENIZERS[name].max_tokens
    assert TOKENIZERS[name]([])[0].shape == (0, 0)


def test_words_ignore_case_and_keep_punctuation() -> None:
    words = TOKENIZERS["words"]
    assert words(["A Dog"])[0].tolist() == words(["a dog"])[0].tolist()
    assert words(["dog"])[0].tolist() != words(["dog!"])[0].tolist()


def test_bpe_learns_words_and_survives_the_disk(tmp_path: Path) -> None:
    bpe = TOKENIZERS["bpe"]
    assert bpe(["a dog barks"])[0].shape[1] < ByteTokenizer()(["a dog barks"])[0].shape[1] / 2
    bpe.save(tmp_path / "bpe.json")
    again = BpeTokenizer.load(tmp_path / "bpe.json", max_tokens=16)
    texts = [*CAPTIONS, "雨 ünïcode"]
    assert again(texts)[0].tolist() == bpe(texts)[0].tolist()
    assert again.facts == bpe.facts
    assert again.facts != BpeTokenizer.train(["other words"], vocab_size=300).facts
    (tmp_path / "bpe.json").write_text("{")
    with pytest.raises(EarShotError, match="BpeTokenizer.save"):
        BpeTokenizer.load(tmp_path / "bpe.json")


def test_clean_drops_what_tokenizers_choke_on() -> None:
    assert clean("a\x00b\tc\n") == "a b c "
    assert clean("bad \udcff name") == "bad \ufffd name"
    assert clean("x" * 50, max_characters=10) == "x" * 10
    assert clean("звук 雨 é") == "звук 雨 é"
