from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.everyday import everyday_sounds
from earshot.text.sound_phrases import MANNERS, sound_phrase


@pytest.mark.parametrize(
    ("label", "noun", "clause"),
    [
        ("dog barking", "a dog barking", "a dog is barking"),
        ("crickets chirping", "crickets chirping", "crickets are chirping"),
        ("crying_baby", "a crying baby", "a crying baby can be heard"),
        ("sea_waves", "sea waves", "sea waves can be heard"),
        ("Male speech, man speaking", "a man speaking", "a man is speaking"),
        ("Owl", "an owl", "an owl can be heard"),
        ("Rain", "rain", "rain can be heard"),
        ("Dog (animal)", "a dog", "a dog can be heard"),
        ("computer keyboard typing", "computer keyboard typing",
         "computer keyboard typing can be heard"),
        ("water pouring into a glass", "water pouring into a glass",
         "water is pouring into a glass"),
        ("heavy rain on a roof", "heavy rain on a roof", "heavy rain on a roof can be heard"),
        ("", "a sound", "a sound can be heard"),
        ("?!", "a sound", "a sound can be heard"),
    ],
)  # fmt: skip
def test_labels_become_phrases(label: str, noun: str, clause: str) -> None:
    phrase = sound_phrase(label)
    assert (phrase.noun, phrase.clause) == (noun, clause)


def test_manners_go_where_grammar_wants_them() -> None:
    assert sound_phrase("dog barking", ["loud"]).clause == "a dog is barking loudly"
    assert sound_phrase("Siren", ["loud", "rapid"]).noun == "a loud rapid siren"
    assert sound_phrase("Alarm", ["intermittent"]).noun == "an intermittent alarm"


def test_everyday_sounds_have_distinct_phrases() -> None:
    nouns = [sound_phrase(name).noun for name in everyday_sounds()]
    assert len(set(nouns)) == len(nouns) > 200


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=60), st.lists(st.sampled_from(sorted(MANNERS)), max_size=3))
def test_any_text_is_some_phrase(label: str, manners: list[str]) -> None:
    phrase = sound_phrase(label, manners)
    assert phrase.noun
    assert " ".join(phrase.clause.split()) == phrase.clause
    assert not set("()[]{}_") & set(phrase.clause)
