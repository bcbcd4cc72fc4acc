from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.combinations import (
    CombinationConfig,
    combination_clips,
    combinations,
    held_out_combinations,
    label_of,
)

FEW = CombinationConfig(kinds=("dog bark", "siren", "frog"), n_train=20, n_test=24)


def test_held_out_combinations_are_met_in_the_test_alone() -> None:
    clips = combination_clips(0, FEW)
    unseen = {label_of(each) for each in held_out_combinations(0, FEW)}
    assert len(unseen) == 2  # a fifth of 3 kinds by 2 pitches by 2 speeds
    train = {clip.labels[0] for clip in clips.split("train")}
    test = {clip.labels[0] for clip in clips.split("test")}
    assert not train & unseen
    assert test == set(clips.labels) == {label_of(each) for each in combinations(FEW)}


def test_every_word_of_a_held_out_combination_is_heard_in_training() -> None:
    config = CombinationConfig()
    held = held_out_combinations(3, config)
    seen = [each for each in combinations(config) if each not in held]
    for kind, words in held:
        assert any(other == kind for other, _ in seen)
        for axis, word in enumerate(words):
            assert any(other == kind and each[axis] == word for other, each in seen)


def test_the_same_seed_gives_the_same_clips() -> None:
    one, two, other = (combination_clips(seed, FEW) for seed in (1, 1, 2))
    assert [clip.captions for clip in one] == [clip.captions for clip in two]
    assert all(
        np.array_equal(a.audio.waveform, b.audio.waveform) for a, b in zip(one, two, strict=True)
    )
    assert not np.array_equal(one[0].audio.waveform, other[0].audio.waveform)


def test_an_event_lies_anywhere_in_a_longer_clip() -> None:
    config = replace(FEW, clip_s=4.0, event_s=1.0, snr_db=(40.0, 40.0))
    places = []
    for clip in combination_clips(0, config).split("train"):
        assert len(clip.audio.waveform) == 64_000
        seconds = np.square(clip.audio.waveform).reshape(16, -1).sum(1)  # of a quarter second each
        places.append(int(seconds.argmax()))
    assert min(places) < 5
    assert max(places) > 10


def test_an_event_longer_than_its_clip_is_refused() -> None:
    with pytest.raises(EarShotError, match="event_s=3"):
        replace(FEW, event_s=3.0)
