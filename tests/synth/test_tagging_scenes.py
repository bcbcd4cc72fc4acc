from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.tagging_scenes import TaggingScenesConfig, tagging_scenes

KINDS = ("clock tick", "sine tone", "owl", "buzzer", "drum", "siren")
FEW = TaggingScenesConfig(KINDS, n_train=12, n_test=6, clip_s=0.5)


def test_clips_hold_the_kinds_that_they_are_labelled_with() -> None:
    clips = tagging_scenes(0, FEW)
    assert [clip.split for clip in clips] == ["train"] * 12 + ["test"] * 6
    assert list(clips.labels) == sorted(KINDS)
    for clip in clips:
        assert 1 <= len(clip.labels) <= 3
        assert list(clip.labels) == sorted(set(clip.labels))
        assert len(clip.audio.waveform) == 8_000
        assert 0.01 < np.abs(clip.audio.waveform).max() <= 0.9 + 1e-6


def test_seeds_differ_and_repeat() -> None:
    one, again, other = (tagging_scenes(seed, FEW) for seed in (0, 0, 1))
    assert all(np.array_equal(a.audio.waveform, b.audio.waveform)
               for a, b in zip(one, again, strict=True))  # fmt: skip
    assert not np.array_equal(one[0].audio.waveform, other[0].audio.waveform)


def test_a_skew_makes_kinds_rare_in_training_alone() -> None:
    config = replace(FEW, n_train=240, n_test=240, skew=1.5, clip_s=0.1, events=(1, 1))
    clips = tagging_scenes(3, config)
    counts = {
        split: sorted(
            Counter(label for clip in clips.split(split) for label in clip.labels).values()
        )
        for split in ("train", "test")
    }
    assert counts["train"][-1] > 8 * counts["train"][0]
    assert counts["test"][-1] < 3 * counts["test"][0]
    assert config.shares()[0] == pytest.approx(2**1.5 * config.shares()[1])


def test_single_sounds_come_as_often_as_each_other() -> None:
    clips = tagging_scenes(0, replace(FEW, events=(1, 1)))
    counts = Counter(clip.labels[0] for clip in clips.split("train"))
    assert set(counts.values()) == {2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ("owll",)}, "owl"),
        ({"events": (0, 2)}, "0 to 2 events"),
        ({"events": (2, 9)}, "2 to 9 events of 6 kinds"),
        ({"n_train": 0}, "clips of both splits"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(EarShotError, match=message):
        replace(FEW, **change)
