from __future__ import annotations

import pytest

from earshot.core.errors import EarShotError
from earshot.data.columns import Columns, find_columns, parse_columns


def test_words_to_columns() -> None:
    words = ["caption=text_en,text_de", "audio=wav", "label_separator=,"]
    asked = parse_columns(words)
    assert asked == Columns(audio="wav", caption=("text_en", "text_de"), label_separator=",")
    assert parse_columns([]) is None
    for wrong in ("captoin=text", "caption"):
        with pytest.raises(EarShotError, match="caption=text"):
            parse_columns([wrong])


def test_numbered_captions_come_before_a_plain_one() -> None:
    found = find_columns(["path", "caption", "caption_1", "Caption 2"], None, "t")
    assert found.captions == ("caption_1", "Caption 2")


def test_an_empty_name_turns_a_column_off() -> None:
    found = find_columns(["path", "text", "label"], Columns(label="", caption=""), "t")
    assert (found.label, found.captions) == (None, ())


def test_a_column_with_a_meaning_is_not_extra() -> None:
    found = find_columns(["path", "text", "start", "duration", "speaker"], None, "t")
    assert found.used == {"path", "text", "start", "duration"}
    assert found.cuts
    whole = find_columns(["path", "duration"], None, "t")
    assert (whole.cuts, whole.used) == (False, {"path"})


def test_a_musical_key_is_no_id() -> None:
    assert find_columns(["path", "key"], None, "t").id is None
