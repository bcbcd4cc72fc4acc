from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.text.stored_rewrites import clean_rewrite, parse_rewrites


@pytest.mark.parametrize(
    ("said", "caption"),
    [
        ("Sure! Here it is:\n\nA low rumble grows.", "A low rumble grows."),
        ("A hiss<br>fades [softly]  away", "A hiss fades away"),
        ('"A thin whistle"', "A thin whistle"),
        ("A caf\u00e9's hum", "A caf's hum"),
        ("Error", None),
        ("error.", None),
        ("", None),
        ("  \n\n ", None),
        ("[nothing]", None),
        ("\u9ce5", None),
        ("None", None),
    ],
)
def test_answers_become_captions(said: str, caption: str | None) -> None:
    assert clean_rewrite(said) == caption


CELLS = [
    ("['a yap', 'a woof']", ("a yap", "a woof")),
    ('["a yap", "a woof"]', ("a yap", "a woof")),
    (["a yap", 3, "a woof", "a yap"], ("a yap", "a woof")),
    ("('a yap',)", ("a yap",)),
    ("[]", ()),
    ("", ()),
    (None, ()),
    (float("nan"), ()),
    ("['Error']", ()),
    ("['a dog']", ()),  # the caption itself
    ("Error", ()),
    ("['a yap'", ()),
    ("[print('run')]", ()),
    ("[" * 5_000 + "]" * 5_000, ()),
    ("['" + "a" * 200_000 + "']", ()),
    (7, ()),
]


@pytest.mark.parametrize(("cell", "texts"), CELLS)
def test_a_cell_is_read_as_data(cell: object, texts: tuple[str, ...]) -> None:
    assert parse_rewrites(cell, ("a dog",)) == ({"a dog": texts} if texts else {})


def test_rows_with_several_captions_have_an_object_by_caption() -> None:
    cell = {"a dog": ["a yap"], "a cat": [], "a cow": "a low moan"}
    expected = {"a dog": ("a yap",), "a cow": ("a low moan",)}
    assert parse_rewrites(cell, ("a dog", "a cat")) == expected
    assert parse_rewrites(json.dumps(cell)) == parse_rewrites(str(cell)) == expected
    assert parse_rewrites("['a yap']", ("a dog", "a hound")) == {
        "a dog": ("a yap",), "a hound": ("a yap",),
    }  # fmt: skip


@given(st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=3).map(repr))
def test_no_cell_is_a_crash_and_all_rewrites_are_clean(cell: str) -> None:
    for texts in parse_rewrites(cell, ("a dog",)).values():
        assert all(text.isascii() and text == " ".join(text.split()) != "" for text in texts)
