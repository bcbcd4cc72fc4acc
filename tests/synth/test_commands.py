from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.synth.commands import (
    INTENTS,
    SLOTS,
    TEMPLATES,
    CommandConfig,
    command,
    command_clips,
    spoken_word,
)
from earshot.synth.speech import VOICES

FEW = CommandConfig(intents=("play music", "run a bath"), n_train=12, n_test=6, takes=1)


def test_a_dozen_intents_each_in_many_words() -> None:
    assert len(INTENTS) >= 12
    assert len(TEMPLATES) >= 8
    for intent in INTENTS:
        rng = generator(0, intent)
        said = {command(intent, rng) for _ in range(300)}
        assert len(said) > 30, intent
        assert all("{" not in each for each in said)


def test_no_wording_belongs_to_two_intents() -> None:
    owner: dict[str, str] = {}
    for intent in INTENTS:
        rng = generator(1, intent)
        for text in {command(intent, rng) for _ in range(500)}:
            assert owner.setdefault(text, intent) == intent, text


def test_every_slot_is_used_and_known() -> None:
    used = {slot for slot in SLOTS for ways in INTENTS.values() if f"{{{slot}}}" in str(ways)}
    assert used == set(SLOTS)


def test_speakers_of_the_test_are_not_in_training() -> None:
    clips = command_clips(3, FEW)
    train = {clip.extra["voice"] for clip in clips.split("train")}
    test = {clip.extra["voice"] for clip in clips.split("test")}
    assert not train & test
    assert len(test) <= 2
    assert train | test <= set(VOICES)
    labels = [clip.labels[0] for clip in clips]
    assert {labels.count(label) for label in clips.labels} == {9}


def test_the_same_seed_gives_the_same_clips() -> None:
    one, two = command_clips(3, FEW), command_clips(3, FEW)
    assert [clip.captions for clip in one] == [clip.captions for clip in two]
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.audio.waveform, b.audio.waveform)
    other = command_clips(4, FEW)
    assert [clip.captions for clip in one] != [clip.captions for clip in other]


def test_a_clip_is_as_long_as_its_words() -> None:
    for clip in command_clips(3, FEW):
        n_words = len(clip.captions[0].split())
        assert 0.1 * n_words < clip.audio.duration_s < 0.9 * n_words + 0.1
        assert 0.29 < np.abs(clip.audio.waveform).max() < 0.91


def test_voices_and_takes_differ() -> None:
    first = spoken_word("music", "m1", 0, 8_000)
    for voice, take in (("m1", 1), ("f1", 0)):
        other = spoken_word("music", voice, take, 8_000)
        n = min(len(first), len(other))
        assert not np.allclose(first[:n], other[:n], atol=0.05)


@pytest.mark.parametrize(
    "fields", [{"n_test_voices": 8}, {"takes": 0}, {"intents": ("play music",)}]
)
def test_what_cannot_be_is_refused(fields: dict) -> None:
    with pytest.raises(EarShotError, match="Change these fields"):
        CommandConfig(**fields)
    with pytest.raises(EarShotError, match="Did you mean 'play music'"):
        CommandConfig(intents=("play musik", "run a bath"))
