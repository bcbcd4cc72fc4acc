from __future__ import annotations

import re

import numpy as np
import pytest

from earshot.synth import AXES, SOUNDS
from earshot.synth.phrases import ADJECTIVES, ADVERBS, with_adjectives, word

WORDS = [word for words in AXES.values() for word in words]


def test_every_attribute_word_has_adjectives_and_adverbs() -> None:
    assert set(ADJECTIVES) == set(ADVERBS) == set(WORDS)


@pytest.mark.parametrize("name", SOUNDS)
def test_every_kind_can_be_named_in_several_ways(name: str) -> None:
    kind = SOUNDS[name]
    assert len(set(kind.nouns)) >= 2
    assert len(set(kind.actions)) >= 2
    assert len(set(kind.synonyms)) >= 4
    for action in kind.actions:
        subject, verb, gerund = action.split(" | ")
        assert subject
        assert verb
        assert re.match(r"\w+ing\b", gerund), action
    for axis in kind.obeys:
        assert axis in AXES


@pytest.mark.parametrize("name", SOUNDS)
def test_the_verb_agrees_with_its_subject(name: str) -> None:
    """ "a dog barks", "birds sing": a singular subject takes a verb in -s, a plural one none."""
    for action in SOUNDS[name].actions:
        subject, verb, _ = action.split(" | ")
        first, last = subject.split()[0], subject.split()[-1]
        singular = first in ("a", "an", "someone", "something") or last in SINGULAR
        plural = last in PLURAL and first not in ("a", "an")
        assert singular != plural, f"say whether {subject!r} is one or many"
        assert verb.split()[0].endswith("s") == singular, action


SINGULAR = {
    "rain", "thunder", "wind", "hail", "wood", "water", "sea", "glass", "sandpaper", "static",
    "noise",
}  # fmt: skip
PLURAL = {
    "hailstones", "leaves", "water", "bubbles", "waves", "ducks", "birds", "crickets",
    "cicadas", "people", "glasses", "keys", "chimes", "bells", "hooves", "fireworks", "maracas",
} - SINGULAR | {"drops"}  # fmt: skip


@pytest.mark.parametrize("name", SOUNDS)
def test_no_name_claims_an_attribute_of_its_own(name: str) -> None:
    """ "a loud soft hiss" would be true of nothing."""
    claims = {w for words in (*ADJECTIVES.values(), *ADVERBS.values()) for w in words} | set(WORDS)
    for phrase in (*SOUNDS[name].nouns, *SOUNDS[name].actions):
        assert not claims & set(phrase.split())


@pytest.mark.parametrize(
    ("noun", "adjectives", "whole"),
    [
        ("a dog bark", ["loud"], "a loud dog bark"),
        ("an owl hoot", ["loud"], "a loud owl hoot"),
        ("a dog bark", [], "a dog bark"),
        ("an engine", ["soft", "low-pitched"], "a soft low-pitched engine"),
        ("a bell", ["old"], "an old bell"),
        ("rain", ["distant"], "distant rain"),
        ("the beat of a heart", ["slow"], "the slow beat of a heart"),
    ],
)
def test_articles_agree(noun: str, adjectives: list[str], whole: str) -> None:
    assert with_adjectives(noun, adjectives) == whole


def test_all_forms_of_a_wording_say_the_same() -> None:
    rng = np.random.default_rng(0)
    attributes = {"loudness": "loud", "speed": "fast", "distance": "far"}
    for _ in range(20):
        wording = word(SOUNDS["dog bark"], attributes, rng)
        for form in (wording.clause, wording.progressive, wording.participle):
            assert re.search(r"(loudly and (rapidly|quickly)) (in the distance|far away)$", form)
        assert re.search(r"\bloud (fast|rapid|quick) (distant|faraway)\b", wording.noun)
        assert re.match(r"a (dog|hound) is \w+ing ", wording.progressive)


def test_equal_generators_give_the_same_other_words() -> None:
    for seed in range(10):
        loud = word(SOUNDS["cow"], {"loudness": "loud"}, np.random.default_rng(seed))
        soft = word(SOUNDS["cow"], {"loudness": "soft"}, np.random.default_rng(seed))
        assert re.sub(r" loudly$", "", loud.clause) == re.sub(
            r" (softly|quietly)$", "", soft.clause
        )
