from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.caption_form import plain_caption


def test_marks_become_spaces() -> None:
    assert plain_caption('A dog barks , "twice" (loud).') == "a dog barks twice loud"
    assert plain_caption("A woman's hi-hat") == "a woman's hi-hat"
    assert plain_caption("") == ""


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.text(max_size=60))
def test_once_is_enough(text: str) -> None:
    once = plain_caption(text)
    assert plain_caption(once) == once
