from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.prototype_speech import PrototypeLanguage, PrototypeSpeechConfig

CLEAN = PrototypeSpeechConfig(noise=0.0, speaker=0.0, smoothing=1)


def test_frames_are_the_prototypes_held() -> None:
    language = PrototypeLanguage(0, CLEAN)
    frames = language.speak([3, 7, 1], np.random.default_rng(0))
    steps = np.abs(np.diff(frames, axis=1)).sum(0) > 0
    assert steps.sum() == 2
    holds = np.diff([0, *(np.flatnonzero(steps) + 1), frames.shape[1]])
    assert ((holds >= 3) & (holds <= 8)).all()
    np.testing.assert_allclose(frames[:, 0], language.prototypes[3], rtol=1e-6)
    np.testing.assert_allclose(frames[:, -1], language.prototypes[1], rtol=1e-6)


def test_smoothing_keeps_the_number_of_frames() -> None:
    for smoothing in (1, 2, 3, 4):
        language = PrototypeLanguage(0, replace(CLEAN, smoothing=smoothing))
        one = language.speak([3, 7, 1], np.random.default_rng(0))
        assert (
            one.shape
            == PrototypeLanguage(0, CLEAN).speak([3, 7, 1], np.random.default_rng(0)).shape
        )


def test_sentences_follow_the_grammar_and_translations_the_rule() -> None:
    language = PrototypeLanguage(1)
    for each in language.utterances(50, "train", spoken=False):
        symbols = [int(word[1:]) for word in each.source.split()]
        assert 4 <= len(symbols) <= 10
        for one, two in zip(symbols, symbols[1:], strict=False):
            assert two in language.followers[one]
        words = [int(word[1:]) for word in each.target.split()]
        assert sorted(words) == sorted(language.meaning[symbols])
        moved = [i for i, one in enumerate(symbols) if language.meaning[one] != words[i]]
        for i in moved[::2]:  # two by two: a lead, and the follower after it
            assert language.leads[symbols[i]]
            assert not language.leads[symbols[i + 1]]
            assert words[i : i + 2] == [int(language.meaning[symbols[j]]) for j in (i + 1, i)]
    assert language.translation([]) == []


def test_a_seed_and_a_part_are_always_the_same() -> None:
    one, two = (PrototypeLanguage(5).utterances(3, "train") for _ in range(2))
    assert one == two
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))
    assert one != PrototypeLanguage(5).utterances(3, "test")
    assert one != PrototypeLanguage(6).utterances(3, "train")


def test_ranges_that_fall_are_refused() -> None:
    for wrong in ({"shortest": 5, "longest": 4}, {"n_followers": 24}, {"smoothing": 0}):
        with pytest.raises(EarShotError, match="ranges from 1 on that rise"):
            PrototypeSpeechConfig(**wrong)
