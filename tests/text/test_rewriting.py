from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.lexicon import Lexicon, SoundWords, audioset_lexicon, shipped_lexicon, stem
from earshot.text.rewriting import MAX_WORDS, RuleRewriter, with_adjectives

WORDS = Lexicon(
    [
        SoundWords("dog bark", ("dog",), ("a short yap", "rough woofs")),
        SoundWords("rain", (), ("a soft hiss",)),
        SoundWords("engine", (), ("an even throb",)),
    ]
)
LIKE = [like for sound in WORDS.sounds for like in sound.like]


def rewrites(caption: str, n: int = 8, **options) -> tuple[str, ...]:
    return RuleRewriter(WORDS, **options).rewrite(caption, n)


def test_sounds_are_described_and_the_rest_stays_in_order() -> None:
    told = rewrites("A dog barks, then rain falls in a garden.")
    assert len(set(told)) == len(told) == 8
    for text in told:
        dog = max(text.lower().find(word) for word in ("yap", "woofs", "dog"))
        assert 0 <= dog < text.index(" then ") < text.index("hiss")
        assert "in a garden" in text
        assert any(like in text.lower() for like in LIKE)
    assert any("dog" not in text for text in told)  # told by its description alone
    assert any("dog" in text for text in told)


def test_every_sentence_of_a_caption_is_kept() -> None:
    for text in rewrites("A dog barks. Rain falls."):
        first, second = text.split(". ")
        assert any(word in first.lower() for word in ("dog", "yap", "woofs"))
        assert "hiss" in second.lower()
        assert second[0].isupper()


def test_a_verb_s_particle_is_no_place() -> None:
    for text in rewrites("A dog passes by followed by rain"):
        assert not text.lower().startswith(("a short yap by", "rough woofs by"))


def test_how_loud_and_how_far_stays() -> None:
    alone = [text for text in rewrites("A distant dog barks loudly") if "dog" not in text.lower()]
    assert alone
    assert all("distant" in text.lower() and "loud" in text for text in alone)


def test_the_hum_of_something_is_that_thing_s() -> None:
    assert all("throb" in text for text in rewrites("the bark of an engine"))


@pytest.mark.parametrize("caption", ["", "   ", "something strange", "Ein Hund bellt", "鳥が鳴く"])
def test_what_it_does_not_know_has_no_rewrite(caption: str) -> None:
    assert rewrites(caption) == ()


def test_rewrites_depend_on_caption_lexicon_and_seed_alone() -> None:
    caption = "A dog barks while rain falls and an engine runs"
    assert rewrites(caption) == rewrites(caption) != rewrites(caption, seed=1)
    assert rewrites(caption, 3) == rewrites(caption, 8)[:3]  # more are added
    identities = {RuleRewriter(WORDS).identity, RuleRewriter(WORDS, seed=1).identity}
    assert len({*identities, RuleRewriter().identity}) == 3


def test_long_captions_do_not_grow_without_end() -> None:
    caption = ", ".join(["a dog barks"] * 9)  # 27 words
    for text in rewrites(caption, 4):
        assert len(text.split()) <= MAX_WORDS + 4  # the first is always described


def test_a_huge_caption_takes_no_age() -> None:
    began = time.process_time()
    for caption in ("dog barks " * 10_000, "a , " * 25_000, "x" * 100_000, "dog. " * 20_000):
        rewrites(caption, 2)
    assert time.process_time() - began < 30


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["dog", "rain", "engine"]), st.text(max_size=40))
def test_any_text_is_taken_and_says_what_sounds_are_like(a: str, name: str, b: str) -> None:
    for text in rewrites(f"{a} {name} {b}", 3):
        assert text == " ".join(text.split())
        assert any(like.partition(" ")[2] in text.lower() for like in LIKE)


def test_articles_agree() -> None:
    assert with_adjectives("a roar", ["eerie"]) == "an eerie roar"
    assert with_adjectives("an even throb", ["loud"]) == "a loud even throb"
    assert with_adjectives("rough woofs", ["faint"]) == "faint rough woofs"
    assert with_adjectives("a loud roar", ["loud"]) == "a loud roar"


def test_words_meet_by_their_stems() -> None:
    assert {stem(word) for word in ("barks", "barking", "barked", "Bark", "bark's")} == {"bark"}
    for text in ("barking dogs", "a dog barks", "the dog is barking", "dog bark"):
        assert {each.sound.name for each in shipped_lexicon().find(text)} == {"dog bark"}
    first, second = WORDS.find("rain then a DOG barking")
    assert (first.sound.name, second.sound.name) == ("rain", "dog bark")
    assert "rain then a DOG barking"[second.start : second.end] == "DOG barking"
    assert WORDS.find("terrain and dogma") == []


def test_a_label_of_several_names_is_found_by_any() -> None:
    assert WORDS.of("Puppy, dog").name == "dog bark"
    assert WORDS.of("The_Rain").name == "rain"
    assert WORDS.of("snow") is None


def test_the_shipped_words_are_noun_phrases_that_say_something() -> None:
    assert len(audioset_lexicon()) == 632
    for lexicon in (shipped_lexicon(), audioset_lexicon()):
        for sound in lexicon.sounds:
            assert len(sound.like) >= 2, sound
            for like in sound.like:
                assert 2 <= len(like.split()) <= 16, like
                assert like.isascii(), like
                assert not like.endswith((".", ",")), like
