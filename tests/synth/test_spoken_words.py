from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.spoken_words import SpokenWordsConfig, word_clips

SMALL = SpokenWordsConfig(words=("lamp", "music"), n_train=12, n_test=4)


def test_voices_of_the_test_are_in_no_training_clip() -> None:
    clips = word_clips(0, SMALL)
    voices = {
        split: {clip.extra["voice"] for clip in clips.split(split)} for split in ("train", "test")
    }
    assert len(voices["test"]) == 2
    assert len(voices["train"]) == 6
    assert not voices["test"] & voices["train"]
    for split, n in (("train", 12), ("test", 4)):
        for word in SMALL.words:
            assert sum(clip.labels == (word,) for clip in clips.split(split)) == n
    assert word_clips(1, SMALL).split("test")[0].extra["voice"] not in ("", None)


def test_clips_are_the_seed_s() -> None:
    one = word_clips(3, SMALL)
    word_clips.cache_clear()
    two = word_clips(3, SMALL)
    assert one is not two
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.audio.waveform, b.audio.waveform)
    assert np.abs(one[0].audio.waveform).max() == pytest.approx(0.7, abs=1e-5)
    assert len({clip.audio.waveform.tobytes() for clip in one}) == len(one)


def test_faults_are_sentences() -> None:
    with pytest.raises(EarShotError, match="n_test_voices=8"):
        SpokenWordsConfig(n_test_voices=8)
