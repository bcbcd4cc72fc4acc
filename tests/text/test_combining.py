from __future__ import annotations

import pytest

from earshot.core.errors import EarShotError
from earshot.text.combining import RuleCombiner, core_of, plain_caption


def test_two_captions_make_six_sentences_and_nothing_is_lost() -> None:
    made = RuleCombiner().combine("A dog barks loudly.", "Rain falls on a roof", 10)
    assert len(set(made)) == 6
    assert {"A dog barks loudly while rain falls on a roof",
            "Rain falls on a roof and a dog barks loudly"} <= set(made)  # fmt: skip
    assert RuleCombiner().combine("A dog barks loudly.", "Rain falls on a roof", 2) == made[:2]
    other = RuleCombiner(seed=1).combine("A dog barks loudly.", "Rain falls on a roof", 10)
    assert set(other) == set(made)
    assert other != made


def test_words_that_only_lead_in_or_out_are_left_away() -> None:
    assert core_of("This is the sound of a bell ringing.") == "a bell ringing"
    assert core_of("In this clip we hear a siren") == "a siren"
    assert core_of("A loud alarm can be heard") == "A loud alarm"
    assert core_of("The wind is blowing") == "The wind is blowing"
    assert core_of("The sound of") == "The sound of"
    both = RuleCombiner().combine("We hear I Am", "BBC news is heard", 6)
    assert {"I Am and BBC news", "BBC news while I Am"} <= set(both)


def test_captions_too_long_together_or_empty_have_no_sentence() -> None:
    long = " ".join(["word"] * 20)
    assert RuleCombiner().combine(long, long, 3) == ()
    assert all(
        len(each.split()) <= 8 for each in RuleCombiner(max_words=8).combine("a b c d", "e f g", 6)
    )
    assert RuleCombiner().combine("A dog", " . ", 3) == ()
    with pytest.raises(EarShotError, match="about 25"):
        RuleCombiner(max_words=2)


def test_the_identity_follows_the_rule() -> None:
    assert RuleCombiner().identity == RuleCombiner().identity
    assert RuleCombiner().identity != RuleCombiner(max_words=20).identity
    assert RuleCombiner().identity != RuleCombiner(seed=1).identity


def test_plain_captions_have_no_case_and_no_punctuation() -> None:
    assert (
        plain_caption(' A man\'s dog,  barking: "Wuff" (loudly)! ')
        == "a mans dog barking wuff loudly"
    )
    assert plain_caption("...") == ""
    assert plain_caption("Ein Hund bellt – laut.") == "ein hund bellt – laut"
