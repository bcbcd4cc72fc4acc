from __future__ import annotations

import re

import numpy as np

from earshot.metrics.caption_events import EventReader
from earshot.synth.caption_domains import (
    CLAUSES,
    FRAMES,
    NAMES,
    PHRASES,
    domain_captions,
    domain_corpus,
    unseen_pairs,
)
from earshot.synth.caption_scenes import KINDS

READER = EventReader(NAMES)


def test_every_caption_tells_of_its_sounds_in_their_order() -> None:
    rng = np.random.default_rng(0)
    for domain in ("clauses", "phrases"):
        for kind in KINDS:
            for text in domain_captions([kind], "single", domain, 4, rng):
                assert READER.events(text) == [kind], text
        for _ in range(60):
            pair = [KINDS[int(i)] for i in rng.choice(len(KINDS), 2, replace=False)]
            for text in domain_captions(pair, "then", domain, 4, rng):
                assert READER.events(text) == pair, text
            for text in domain_captions(pair, "while", domain, 4, rng):
                assert set(READER.events(text)) == set(pair), text


def test_the_ways_share_ten_names_and_hardly_another_word() -> None:
    def words(texts: object) -> set[str]:
        return set(re.findall(r"[a-z]+", str(texts))) - {"a", "b", "an", "the", "of", "and", "in"}

    one = words([*CLAUSES.values(), *(v for v in FRAMES["clauses"].values())])
    other = words([*PHRASES.values(), *(v for v in FRAMES["phrases"].values())])
    shared = {"siren", "rain", "engine", "footsteps", "bell", "wind", "piano", "guitar", "drum"}
    assert one & other == shared | {"alarm"}


def test_a_corpus_has_no_pair_that_is_to_be_unseen() -> None:
    unseen = unseen_pairs(1 / 3, 5)
    assert len(unseen) == 40
    corpus = domain_corpus(1_500, 5, "clauses", unseen)
    assert domain_corpus(1_500, 5, "clauses", unseen) == corpus
    told = {frozenset(READER.events(text)) for text in corpus}
    assert not told & unseen
    assert len(told) == 16 + 80  # every kind alone, and every other pair
