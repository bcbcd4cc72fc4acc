from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.web_text import n_words, sentences, strip_markup, title_words


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("A dog &amp; a cat<br/>fight", "A dog & a cat\nfight"),
        ("<p>Rain</p><p>Wind</p>", "Rain\nWind"),
        ("see <a href='http://x.org/a?b=1'>my page</a> now", "see my page now"),
        ("at https://free.sound.org/x/1.wav and www.foo.com/bar.", "at and"),
        ("mail me: jo.doe@example.com", "mail me:"),
        ("**Loud** [bang](http://a.b/c) :-) <3", "Loud bang"),
        ("by @user #rain", "by"),
        ("it\u2019s \u201cloud\u201d", 'it\'s "loud"'),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
    ],
)
def test_markup_and_addresses_go(raw: str, plain: str) -> None:
    assert strip_markup(raw) == plain


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("dog_barking-01.wav", "dog barking"),
        ("CarDoorSlam02.WAV", "Car Door Slam"),
        ("Rain on a tent.flac", "Rain on a tent"),
        ("Horn Honk", "Horn Honk"),
        ("", ""),
    ],
)
def test_titles_of_files_become_words(title: str, words: str) -> None:
    assert title_words(title) == words


def test_sentences() -> None:
    assert sentences("A dog. Mr. Smith calls! Why?\nRain; wind... end") == [
        "A dog.", "Mr. Smith calls!", "Why?", "Rain", "wind", "end",
    ]  # fmt: skip
    assert sentences("  ") == []
    assert n_words("a 12 dog's --- x1") == 3


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=80))
def test_plain_text_stays_as_it_is(text: str) -> None:
    once = strip_markup(text.replace("&", " "))
    assert strip_markup(once) == once or "&" in once
    assert "\x00" not in once
