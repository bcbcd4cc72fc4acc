from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.text.vocabulary import EOS, PAD, UNKNOWN, Vocabulary

TEXTS = ["A house cat.", "Une maison rouge, près de l'eau.", "кот и собака", "a house, a cat"]


@pytest.mark.parametrize("kind", ["characters", "words", "pieces"])
def test_texts_come_back_and_so_does_the_vocabulary(kind) -> None:
    vocabulary = Vocabulary.learn(TEXTS, kind, size=400)
    again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
    for text in TEXTS:
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        assert again.encode(text) == ids
        assert again.decode([*ids, EOS, *ids, PAD]) == text
        assert min(ids) > UNKNOWN
        assert max(ids) < len(vocabulary) == len(again)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20))
def test_pieces_know_any_text(text: str) -> None:
    vocabulary = Vocabulary.learn(TEXTS, "pieces", size=300)
    assert vocabulary.decode(vocabulary.encode(text)) == text.strip()


def test_the_most_frequent_symbols_stay_and_others_are_unknown() -> None:
    vocabulary = Vocabulary.learn(["b b b a a c"], "words", size=6)
    assert vocabulary.symbols == ("b", "a")
    assert vocabulary.encode("a c b") == [5, UNKNOWN, 4]
    assert vocabulary.decode([5, UNKNOWN, 4]) == "a b"


def test_rows_end_in_eos_and_are_padded() -> None:
    vocabulary = Vocabulary.learn(["abc"], "characters")
    tokens, n_tokens = vocabulary.rows(["ab", "", "abc"])
    assert tokens.tolist() == [[4, 5, EOS, PAD], [EOS, PAD, PAD, PAD], [4, 5, 6, EOS]]
    assert n_tokens.tolist() == [3, 1, 4]
    bare, n_bare = vocabulary.rows(["ab", "c"], end=False)
    assert bare.tolist() == [[4, 5], [6, PAD]]
    assert n_bare.tolist() == [2, 1]


def test_what_makes_no_vocabulary_is_refused() -> None:
    with pytest.raises(EarShotError, match="without a symbol"):
        Vocabulary.learn(["", " "], "words")
    with pytest.raises(EarShotError, match="room for every byte"):
        Vocabulary.learn(TEXTS, "pieces", size=100)
    with pytest.raises(EarShotError, match="without 'symbols'"):
        Vocabulary.from_dict({"kind": "words"})
    with pytest.raises(EarShotError, match="cannot read"):
        Vocabulary("pieces", pieces="{")
    with pytest.raises(EarShotError, match="pieces"):
        Vocabulary("pieces")
