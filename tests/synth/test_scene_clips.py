from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.scene_clips import SceneClipsConfig, scene_clips
from earshot.synth.scenes import make_scene

FEW = SceneClipsConfig(n_train=6, n_test=4)


def test_a_clip_is_a_scene_with_its_kinds_as_labels() -> None:
    clips = scene_clips(0, FEW)
    assert [clip.split for clip in clips] == ["train"] * 6 + ["test"] * 4
    for index, clip in enumerate(clips):
        scene = make_scene(0, FEW.scenes, index)
        assert np.array_equal(clip.audio.waveform, scene.waveform)
        assert clip.captions == scene.captions
        assert clip.labels == tuple(sorted(event.kind for event in scene.events))
        assert len(clip.labels) == 2
        assert set(clip.labels) <= set(clips.labels)


def test_seeds_differ_and_repeat() -> None:
    one, again, other = (scene_clips(seed, FEW) for seed in (0, 0, 1))
    assert all(np.array_equal(a.audio.waveform, b.audio.waveform)
               for a, b in zip(one, again, strict=True))  # fmt: skip
    assert not np.array_equal(one[0].audio.waveform, other[0].audio.waveform)


def test_no_clips_are_refused() -> None:
    with pytest.raises(EarShotError, match="at least one of each"):
        replace(FEW, n_test=0)
