from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.text.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer

CAPTIONS = ["a dog barks", "a dog barks while rain falls", "rain falls on a roof"]


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return train_caption_tokenizer(CAPTIONS, 300)


def test_captions_come_back_and_end(tokenizer: CaptionTokenizer) -> None:
    rows = tokenizer.encode(CAPTIONS, max_tokens=40)
    assert [tokenizer.decode(row) for row in rows] == CAPTIONS
    assert all(row[-1] == tokenizer.eos_id for row in rows)
    assert len({tokenizer.pad_id, tokenizer.bos_id, tokenizer.eos_id}) == 3


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_script_is_written(text: str) -> None:
    import unicodedata

    tokenizer = train_caption_tokenizer(CAPTIONS, 270)
    row = tokenizer.encode([text], max_tokens=1_000)[0]
    assert tokenizer.decode(row) == " ".join(unicodedata.normalize("NFKC", text).split())


def test_nothing_is_read_after_the_end(tokenizer: CaptionTokenizer) -> None:
    one, other = tokenizer.encode(CAPTIONS[:2], max_tokens=40)
    assert tokenizer.decode([*one, *other]) == CAPTIONS[0]


def test_what_is_too_long_is_cut_and_has_no_end(tokenizer: CaptionTokenizer) -> None:
    [row] = tokenizer.encode([" ".join(CAPTIONS) * 50], max_tokens=7)
    assert len(row) == 7
    assert tokenizer.eos_id not in row


def test_the_order_of_captions_does_not_matter() -> None:
    one, other = (train_caption_tokenizer(c, 300) for c in (CAPTIONS, CAPTIONS[::-1]))
    assert one.facts == other.facts


def test_it_is_saved_and_loaded(tokenizer: CaptionTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    again = CaptionTokenizer.load(tmp_path)
    assert again.facts == tokenizer.facts
    assert again.encode(CAPTIONS, max_tokens=9) == tokenizer.encode(CAPTIONS, max_tokens=9)
    assert (again.pad_id, again.bos_id) == (tokenizer.pad_id, tokenizer.bos_id)


def test_a_published_one_without_pad_and_end_of_its_own(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    library = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "dog": 2}, unk_token="[SEP]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.post_processor = processors.BertProcessing(("[SEP]", 1), ("[CLS]", 0))
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=library, **named).save_pretrained(tmp_path)
    bert = CaptionTokenizer.load(tmp_path)
    assert (bert.eos_id, bert.bos_id, bert.pad_id) == (1, 0, 1)
    assert bert.encode(["dog dog"], max_tokens=9) == [[2, 2, 1]]
    assert bert.encode_prompts(["dog"], max_tokens=9) == [[0, 2]]  # begun as BERT does, not ended


def test_faults_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="at least one caption"):
        train_caption_tokenizer(["  "], 300)
    with pytest.raises(EarShotError, match="259 ids"):
        train_caption_tokenizer(CAPTIONS, 100)
    with pytest.raises(EarShotError, match="tokenizer"):
        CaptionTokenizer.load(tmp_path)
