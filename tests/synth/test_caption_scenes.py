from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.caption_scenes import (
    KINDS,
    CaptionScenesConfig,
    caption_clip,
    caption_scenes,
    kind_words,
)
from earshot.synth.kind import AXES
from earshot.synth.take import Take
from earshot.synth.voices import speaking

SHORT = CaptionScenesConfig(duration_s=2.0)


def test_a_clip_depends_on_its_number_and_its_captions_tell_its_events() -> None:
    few, more = caption_scenes(10, 5, SHORT), caption_scenes(20, 5, SHORT)
    for one, other in zip(few, more, strict=False):
        assert np.array_equal(one.audio.waveform, other.audio.waveform)
        assert (one.captions, one.extra) == (other.captions, other.extra)
    words = kind_words()
    for clip in more:
        events, relation = clip.extra["events"], clip.extra["relation"]
        assert clip.labels == tuple(sorted(event["kind"] for event in events))
        assert len(events) == (1 if relation == "single" else 2)
        assert len(set(clip.captions)) == 5
        assert len(clip.audio.waveform) == 2 * 16_000
        nouns = {noun.split()[-1] for kind in clip.labels for noun in words[kind]}
        nouns |= {noun.split()[1] for kind in clip.labels for noun in words[kind] if " " in noun}
        for caption in clip.captions:
            assert nouns & set(caption.lower().replace(",", "").split())
        for event in events:
            assert 0 <= event["onset_s"] < event["offset_s"] <= 2.0
            allowed = {word for axis in ("loudness", "speed") for word in AXES[axis]}
            assert set(event["attributes"].values()) <= allowed | {"man", "woman"}
        if relation == "then":
            assert events[0]["offset_s"] <= events[1]["onset_s"] + 0.05


def test_splits_are_eight_one_and_one_of_ten() -> None:
    clips = caption_scenes(20, 5, SHORT)
    assert [len(clips.split(name)) for name in ("train", "val", "test")] == [16, 2, 2]


def test_seeds_and_speakers_differ() -> None:
    one, other = (caption_clip(seed, 0, SHORT) for seed in (0, 1))
    assert not np.array_equal(one.audio.waveform, other.audio.waveform)
    rng = np.random.default_rng(0)
    low, high = (
        np.abs(np.fft.rfft(speaking(Take(rng, 16_000, 32_000), hz, 1.0)))[:600].argmax() / 2
        for hz in (100.0, 220.0)
    )
    assert low < high  # where most of the energy lies: multiples of the pitch
    config = CaptionScenesConfig(kinds=("speech", "rain"), duration_s=1.0, relations=("single",))
    said = [caption_clip(3, i, config) for i in range(40)]
    for clip in said:
        (event,) = clip.extra["events"]
        speaker = event["attributes"].get("speaker")
        assert (speaker is not None) == (event["kind"] == "speech")
        if speaker == "man":
            assert all(" woman" not in c and "female" not in c for c in clip.captions)
    assert {c.extra["events"][0]["attributes"].get("speaker") for c in said} == {
        None, "man", "woman",
    }  # fmt: skip


def test_every_kind_has_words_of_its_own() -> None:
    words = kind_words()
    assert tuple(words) == KINDS
    assert len({word for each in words.values() for word in each}) == sum(map(len, words.values()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ("rain",)},
        {"kinds": ("rain", "hail")},
        {"relations": ()},
        {"relations": ("mixed",)},
        {"attribute_rate": 1.5},
        {"n_captions": 0},
        {"sample_rate": 4_000},
        {"duration_s": 0.5},
        {"background": -0.1},
    ],
)
def test_scenes_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError):
        CaptionScenesConfig(**wrong)


def test_no_clips_are_refused() -> None:
    with pytest.raises(EarShotError, match="at least 1"):
        caption_scenes(0, 0)
