from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet, open_clips
from shared_data import shared_data


def clips_of(groups: list[tuple[str, str]]) -> ClipSet:
    return ClipSet(
        Clip(Path(f"{n}.wav"), labels=(label,), group=group)
        for n, (label, group) in enumerate(groups)
    )


GROUPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123456789")), min_size=20)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(groups=GROUPS, fraction=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_no_group_is_on_both_sides(
    groups: list[tuple[str, str]], fraction: float, seed: int
) -> None:
    clips = clips_of(groups)
    rest, off = clips.split_off(fraction, seed)
    assert sorted(clip.id for clip in (*rest, *off)) == sorted(clip.id for clip in clips)
    assert not {clip.group for clip in rest} & {clip.group for clip in off}
    assert rest.labels == off.labels == clips.labels
    again = clips.split_off(fraction, seed)
    assert [clip.id for clip in off] == [clip.id for clip in again[1]]


def test_every_label_is_split_in_proportion() -> None:
    clips = clips_of([(label, f"{label}{n}") for label in "ab" for n in range(50)])
    _, off = clips.split_off(0.2, seed=3)
    assert Counter(clip.labels[0] for clip in off) == {"a": 10, "b": 10}
    other = clips.split_off(0.2, seed=4)[1]
    assert [clip.id for clip in off] != [clip.id for clip in other]


def test_labels_of_any_bytes_are_split() -> None:
    odd = os.fsdecode(b"caf\xe9")  # a folder's name
    _, off = clips_of([(odd, str(n)) for n in range(10)]).split_off(0.5, seed=0)
    assert len(off) == 5
    assert len(clips_of([(odd, str(n)) for n in range(10)]).folds(2)) == 2


def test_what_shares_a_key_stays_together() -> None:
    clips = ClipSet(Clip(Path(f"{n}.wav"), captions=(f"caption {n % 10}",)) for n in range(50))
    rest, off = clips.split_off(0.3, seed=0, by=lambda clip: clip.captions[0])
    assert not {clip.captions for clip in rest} & {clip.captions for clip in off}
    assert len(off) == 15


@settings(deadline=None, derandomize=True, max_examples=30)
@given(n=st.integers(2, 5), seed=st.integers(0, 99))
def test_drawn_folds_cover_every_clip_once(n: int, seed: int) -> None:
    clips = clips_of([(label, f"{label}{k // 2}") for label in "abc" for k in range(20)])
    folds = clips.folds(n, seed)
    assert len(folds) == n
    assert sorted(c.id for fold in folds for c in fold.held_out) == sorted(c.id for c in clips)
    for fold in folds:
        assert not {clip.group for clip in fold.train} & {clip.group for clip in fold.held_out}
        counts = Counter(clip.labels[0] for clip in fold.held_out)
        assert max(counts.values()) - min(counts.values()) <= 2  # one group more


def test_folds_of_the_set_itself() -> None:
    clips = ClipSet(Clip(Path(f"{n}.wav"), extra={"fold": str(n % 10 + 1)}) for n in range(20))
    folds = clips.folds()
    assert [fold.name for fold in folds] == [str(n) for n in range(1, 11)]
    assert [clip.id for clip in folds[9].held_out] == ["9.wav", "19.wav"]
    assert len(folds[0].train) == 18
    with pytest.raises(EarShotError, match=r"folds\(5\)"):
        ClipSet([Clip(Path("a.wav"))]).folds()
    with pytest.raises(EarShotError, match="fewer folds"):
        clips.folds(21)


def test_splits_by_their_own_and_by_the_usual_names() -> None:
    splits = ["development", "validation", "evaluation"]
    clips = ClipSet(Clip(Path(f"{s}.wav"), labels=(s,), split=s) for s in splits)
    assert clips.splits == ("development", "evaluation", "validation")
    for usual, own in zip(("train", "val", "test"), splits, strict=True):
        assert [clip.split for clip in clips.split(usual)] == [own]
    assert clips.split("train").labels == clips.labels
    with pytest.raises(EarShotError, match="Did you mean 'evaluation'"):
        clips.split("evaluatoin")


def test_select_and_slices_keep_the_labels() -> None:
    clips = clips_of([("a", "1"), ("b", "2"), ("c", "3")])
    part = clips.select(lambda clip: clip.labels[0] != "a")
    assert (len(part), part.labels) == (2, ("a", "b", "c"))
    assert clips[1:].labels == ("a", "b", "c")
    assert [clips.target(clip) for clip in part] == [1, 2]


def test_fraction_out_of_range() -> None:
    with pytest.raises(EarShotError, match="between 0 and 1"):
        clips_of([("a", "1")]).split_off(20, seed=0)


def test_esc10_as_it_lies_on_disk() -> None:
    clips = open_clips(shared_data("esc10") / "manifest.csv")
    assert (clips.name, len(clips), len(clips.labels)) == ("esc10", 320, 10)
    folds = clips.folds()
    assert [len(fold.held_out) for fold in folds] == [80] * 4
    for fold in folds:  # the set's makers kept recordings in one fold, and we name them groups
        assert not {clip.group for clip in fold.train} & {clip.group for clip in fold.held_out}
