from __future__ import annotations

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.data.clip_set import check_single_labels
from earshot.data.described import (
    described,
    descriptions_of,
    draw_held_out,
    exchanged,
    named_held_out,
    unheard,
    wholes,
)
from earshot.text.lexicon import Lexicon, SoundWords

LABELS = ("dog", "rain", "bell", "saw")
LEXICON = Lexicon([SoundWords(label, (), (f"like {label} {n}", "a sound")) for label, n in
                   zip(LABELS, "abcd", strict=True)])  # fmt: skip


def clips(*labels: str) -> ClipSet:
    sound = Audio(np.ones(10, np.float32), 16_000)
    return ClipSet([Clip(sound, ("x",), (label,), id=str(i)) for i, label in enumerate(labels)])


def test_captions_are_what_labels_are_like() -> None:
    told = descriptions_of(("dog", "Rain"), LEXICON)
    assert told["Rain"] == ("like rain b", "a sound")
    wanted = ("like dog a; a sound", "a sound; like dog a")
    assert described(clips("dog"), told)[0].captions == wholes(told["dog"]) == wanted
    with pytest.raises(EarShotError, match="such as florp"):
        descriptions_of(("dog", "florp"), LEXICON)


def test_exchanged_words_are_all_there_and_all_wrong() -> None:
    told = descriptions_of(LABELS, LEXICON)
    for seed in range(5):
        wrong = exchanged(told, seed)
        assert sorted(wrong.values()) == sorted(told.values())
        assert all(wrong[label] != told[label] for label in LABELS)
    assert exchanged(told, 0) == exchanged(told, 0)


def test_held_out_labels_go_by_seed_not_by_order() -> None:
    assert draw_held_out(LABELS, 2, 1) == draw_held_out(LABELS[::-1], 2, 1)
    assert len({draw_held_out(LABELS, 2, seed) for seed in range(9)}) > 2
    for n in (1, 3):
        with pytest.raises(EarShotError, match="from 2 to 2"):
            draw_held_out(LABELS, n, 0)
    assert named_held_out(LABELS, ("saw", "dog", "saw")) == ("saw", "dog")
    with pytest.raises(EarShotError, match="Did you mean 'bell'"):
        named_held_out(LABELS, ("bel",))


def test_the_parts_have_no_label_in_common() -> None:
    told = descriptions_of(LABELS, LEXICON)
    taught = {label: told[label] for label in ("dog", "rain")}
    all_clips = clips(*LABELS)
    found = unheard(all_clips, all_clips, all_clips.select(lambda c: c.labels == ("saw",)), taught,
                    ("saw",), told)  # fmt: skip
    assert [clip.labels[0] for clip in found.train] == ["dog", "rain"]
    assert found.train[0].captions == wholes(told["dog"])
    assert found.seen[0].captions == ("x",)
    assert found.train.labels == found.seen.labels == ("dog", "rain")
    assert found.unseen.labels == ("saw",)


def test_clips_need_one_label() -> None:
    check_single_labels(clips("dog"))
    sound = Audio(np.ones(10, np.float32), 16_000)
    with pytest.raises(EarShotError, match="with 2 labels"):
        check_single_labels(ClipSet([Clip(sound, labels=("a", "b"), id="1")]))
