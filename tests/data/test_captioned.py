from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.data.captioned import (
    captions_of,
    misaligned_captions,
    shuffled_captions,
    train_and_test,
    with_captions,
)

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


def kinds(n: int, n_labels: int) -> ClipSet:
    return ClipSet(
        [Clip(SILENCE, (f"sound {i}",), labels=(f"kind {i % n_labels}",), id=str(i))
         for i in range(n)]
    )  # fmt: skip


def test_misaligned_captions_are_marked_and_of_another_kind() -> None:
    clips = kinds(200, 3)
    told_wrong = misaligned_captions(clips, 0, 0.5)
    assert [clip.id for clip in told_wrong] == [clip.id for clip in clips]
    marked = [clip for clip in told_wrong if clip.extra.get("misaligned")]
    assert len(marked) == 100
    giver = {clip.captions: clip for clip in clips}
    assert all(giver[clip.captions].labels != clip.labels for clip in marked)
    plain = [c for c in told_wrong if not c.extra.get("misaligned")]
    assert all(giver[clip.captions].id == clip.id for clip in plain)
    assert sorted(c.captions for c in told_wrong) == sorted(c.captions for c in clips)
    assert list(misaligned_captions(clips, 0, 0.5)) == list(told_wrong)
    assert list(misaligned_captions(clips, 1, 0.5)) != list(told_wrong)


def test_misaligning_none_all_or_what_cannot_be() -> None:
    clips = kinds(30, 5)
    assert list(misaligned_captions(clips, 0, 0.0)) == list(clips)
    assert all(clip.extra["misaligned"] for clip in misaligned_captions(clips, 0, 1.0))
    assert list(misaligned_captions(told(9), 0, 1.0)) == list(told(9))  # all of one label
    unlabelled = ClipSet([Clip(SILENCE, (f"{i}",), id=str(i)) for i in range(9)])
    wrong = misaligned_captions(unlabelled, 0, 1.0)
    assert all(a.captions != b.captions for a, b in zip(wrong, unlabelled, strict=True))
    with pytest.raises(EarShotError, match="from 0 to 1"):
        misaligned_captions(clips, 0, 1.5)
