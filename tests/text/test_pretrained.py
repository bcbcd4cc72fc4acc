from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from earshot.core.errors import EarShotError
from earshot.text.pretrained import load_tokenizer, tokenizer_source
from published import toy_tokenizer

TEXTS = ["a dog barks", "", "rain falls on a roof, then glass breaks " * 10, "bad \udcff name"]


@pytest.mark.parametrize("kind", ["roberta", "bert"])
def test_ids_are_the_librarys_and_padding_is_marked(kind: str, tmp_path: Path) -> None:
    folder = toy_tokenizer(tmp_path, kind=kind)
    tokens, padding = load_tokenizer(folder, max_tokens=20)(TEXTS[:3])
    theirs = AutoTokenizer.from_pretrained(folder)(
        TEXTS[:3], padding=True, truncation=True, max_length=20, return_tensors="pt"
    )
    assert tokens.tolist() == theirs["input_ids"].tolist()
    assert (~padding).long().tolist() == theirs["attention_mask"].tolist()


def test_suffix_and_padding_id(tmp_path: Path) -> None:
    folder = toy_tokenizer(tmp_path, kind="gpt2")
    tokenizer = load_tokenizer(folder, max_tokens=77, suffix=" <|endoftext|>", pad_id=0)
    tokens, padding = tokenizer(TEXTS)
    end = AutoTokenizer.from_pretrained(folder).convert_tokens_to_ids("<|endoftext|>")
    assert tokens[0][~padding[0]][-1] == end
    assert (tokens[padding] == 0).all()
    assert not padding[:, 0].any()
    assert tokens.shape[1] <= 77


def test_a_tokenizer_survives_the_disk(tmp_path: Path) -> None:
    first = load_tokenizer(toy_tokenizer(tmp_path / "a"), max_tokens=77)
    first.save(tmp_path / "b")
    again = load_tokenizer(tmp_path / "b", max_tokens=77)
    assert again(TEXTS)[0].tolist() == first(TEXTS)[0].tolist()
    assert again.facts == first.facts
    assert again.facts != load_tokenizer(tmp_path / "a", max_tokens=50).facts


def test_where_a_tokenizer_is_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    assert tokenizer_source("given", file, "hub") == "given"
    assert tokenizer_source(None, file, "hub") == "hub"
    toy_tokenizer(tmp_path)
    assert tokenizer_source(None, file, "hub") == tmp_path
    toy_tokenizer(tmp_path / "tokenizer")
    assert tokenizer_source(None, file, "hub") == tmp_path / "tokenizer"
    assert tokenizer_source(None, tmp_path, "hub") == tmp_path / "tokenizer"


def test_an_empty_folder_and_an_unknown_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    with pytest.raises(EarShotError, match="tokenizer's files"):
        load_tokenizer(tmp_path, max_tokens=77)
    with pytest.raises(EarShotError, match="while offline.*beside the checkpoint"):
        load_tokenizer("nobody/no-such-tokenizer", max_tokens=77)
