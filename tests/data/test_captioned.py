from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.data.captioned import captions_of, shuffled_captions, train_and_test, with_captions

SILENCE = Audio(np.zeros(9, np.float32), 8_000)


def told(n: int) -> ClipSet:
    return ClipSet([Clip(SILENCE, (f"sound {i}",), labels=("a",), id=str(i)) for i in range(n)])


def test_keywords_become_captions_and_gender_is_neutral() -> None:
    labelled = Clip(Path("a.wav"), labels=("dog", "rain"))
    captions = captions_of(labelled, 0)
    assert len(captions) > 1
    assert all("dog" in caption and "rain" in caption for caption in captions)
    clip = Clip(Path("b.wav"), captions=("A man speaks", "A woman speaks"), labels=("speech",))
    assert captions_of(clip, 0, neutral_gender=True) == ("A person speaks",)
    assert captions_of(clip, 0) == clip.captions


def test_the_control_gives_every_caption_to_another_clip() -> None:
    clips = told(200)
    shuffled = shuffled_captions(clips, 0)
    assert sorted(c.captions for c in clips) == sorted(c.captions for c in shuffled)
    same = sum(a.captions == b.captions for a, b in zip(clips, shuffled, strict=True))
    assert same < len(clips) / 20
    assert [clip.id for clip in clips] == [clip.id for clip in shuffled]


def test_clips_without_splits_are_parted() -> None:
    train, test = train_and_test(told(50), 0)
    assert len(train) + len(test) == 50
    assert len(test) == 5
    assert not {clip.id for clip in train} & {clip.id for clip in test}


def test_a_set_without_a_test_split_is_refused() -> None:
    clips = ClipSet([Clip(SILENCE, ("a",), split="train", id=str(i)) for i in range(3)])
    with pytest.raises(EarShotError, match="test"):
        train_and_test(clips, 0)


def test_clips_without_words_are_refused() -> None:
    clips = ClipSet([Clip(SILENCE, id="train-1"), Clip(SILENCE, ("a",), id="train-2")])
    with pytest.raises(EarShotError, match=r"1 training clips without caption or label.*train-1"):
        with_captions(clips, 0)
