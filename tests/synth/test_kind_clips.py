from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.kind_clips import KindClipsConfig, kind_clips


def test_clips_are_of_their_kind_and_no_test_clip_is_in_training() -> None:
    config = KindClipsConfig(n_train=3, n_test=2)
    train, test = (kind_clips(0, ("cow", "gong"), split, config) for split in ("train", "test"))
    assert [clip.labels[0] for clip in train] == ["cow"] * 3 + ["gong"] * 3
    assert len(test) == 4
    waves = [clip.read().waveform for clip in (*train, *test)]
    assert {len(wave) for wave in waves} == {16_000}
    for i, wave in enumerate(waves):
        assert not any(np.array_equal(wave, other) for other in waves[:i])
    assert len({clip.id for clip in (*train, *test)}) == 10
    assert {clip.split for clip in test} == {"test"}


def test_a_clip_is_the_same_whatever_else_is_asked_for() -> None:
    alone = kind_clips(3, ("gong",), "train", KindClipsConfig(n_train=1))[0]
    beside = kind_clips(3, ("cow", "gong"), "train", KindClipsConfig(n_train=2))[2]
    assert alone.id == beside.id
    np.testing.assert_array_equal(alone.read().waveform, beside.read().waveform)


def test_no_clip_at_all_is_refused() -> None:
    with pytest.raises(EarShotError, match="0 and 10 clips"):
        KindClipsConfig(n_train=0)
