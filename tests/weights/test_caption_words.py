from __future__ import annotations

import numpy as np
import torch

from caption_kinds import KINDS, MODEST
from caption_store import Heard
from caption_words import (
    READER,
    HumanCaption,
    caption_of,
    human_prompt,
    names_in,
    told,
    true_prompt,
)
from captioner import there


def test_every_kind_is_read_back_from_its_captions() -> None:
    rng = np.random.default_rng(0)
    for kind in KINDS:
        for _ in range(3):
            assert READER.events(caption_of([kind], "both", rng)) == [kind]


def test_nothing_is_told_that_the_prompt_does_not_name() -> None:
    rng, kinds = np.random.default_rng(0), list(KINDS)
    for number in range(200):
        two = [kinds[i] for i in rng.choice(len(kinds), 2, replace=False)]
        relation = ("then", "while")[number % 2]
        prompt = true_prompt(two, relation, rng)
        text = told(two, relation, prompt, rng)
        named = set(names_in(prompt)) & set(two)
        if not named & {"animal", "noise", "music"}:  # words of what is said modestly, too
            assert set(READER.events(text)) - {"animal", "noise", "music"} == named, (prompt, text)


def test_without_a_name_a_caption_is_modest() -> None:
    rng = np.random.default_rng(0)
    assert told(["cow"], "single", "", rng) in MODEST["animals"]
    assert told(["cow"], "single", "violin:", rng) in MODEST["animals"]
    assert told([], "silence", "", rng) in ("Silence", "Nothing can be heard", "It is silent")


def test_order_is_told_as_it_was() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        text = told(["cow", "siren"], "then", "cow, then siren:", rng)
        assert READER.events(text) == ["cow", "siren"]


def test_prompts_of_people_are_the_kinds_that_they_name() -> None:
    rng = np.random.default_rng(1)
    caption = HumanCaption("A dog barks followed by thunder", ("dog bark", "thunder"))
    prompts = {human_prompt(caption, rng) for _ in range(60)}
    assert "dog bark, then thunder:" in prompts
    assert prompts <= {
        "dog bark, then thunder:", "dog bark, thunder:", "dog bark:", "thunder:", "",
    }  # fmt: skip


def test_halves_have_what_sounds_in_them() -> None:
    events = [(("cow", 0, 90), ("siren", 110, 200)), (("rain", 0, 200),), (("drum", 0, 50),)]
    scenes = Heard(torch.zeros(3, 3, 256), events, ["then", "single", "single"], [200, 200, 50])
    found, place = there(scenes), {kind: i for i, kind in enumerate(KINDS)}
    rows = {
        (row, kind): found[row, :, place[kind]].tolist()
        for row, kind in ((0, "cow"), (0, "siren"), (1, "rain"), (2, "drum"))
    }
    assert rows[0, "cow"] == [True, True, False]
    assert rows[0, "siren"] == [True, False, True]
    assert rows[1, "rain"] == [True, True, True]
    assert rows[2, "drum"] == [True, True, True]
    assert found.sum() == 10
