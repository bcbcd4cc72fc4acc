from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.data.compositions import CompositionConfig
from earshot.data.segments import Segments
from earshot.data.twins import draw_twins
from tone_clips import RATE, heard, tone_clips


def test_twins_are_the_same_two_sounds_in_both_orders() -> None:
    sounds = Segments(tone_clips().split("test"), sample_rate=RATE, longest_s=1.0)
    pairs = draw_twins(30, sounds, CompositionConfig(clip_s=1.0), seed=0)
    fade = round(0.1 * (len(pairs[0].waveform) / 1.9))
    for pair in pairs:
        first, second = pair.labels
        one, other = pair.waveform, pair.reversed_waveform
        assert len(one) == len(other) == pytest.approx(RATE, abs=1)
        assert heard(one[: RATE // 4]) == heard(other[-RATE // 4 :]) == {first}
        assert heard(one[-RATE // 4 :]) == heard(other[: RATE // 4]) == {second}
        length = (len(one) + fade) // 2  # of each sound; outside the fades the samples are the same
        start = length - fade  # where the second sound begins
        np.testing.assert_array_equal(one[fade:start], other[start + fade :][: start - fade])
        np.testing.assert_array_equal(other[fade:start], one[start + fade :][: start - fade])
        middle = pair.caption.removeprefix(first).removesuffix(second)
        assert pair.reversed_caption == f"{second}{middle}{first}"
        assert np.sqrt(np.mean(one**2)) == pytest.approx(np.sqrt(np.mean(other**2)), rel=0.01)
    again = draw_twins(30, sounds, CompositionConfig(clip_s=1.0), seed=0)
    assert all(np.array_equal(a.waveform, b.waveform) for a, b in zip(pairs, again, strict=True))
    assert {pair.caption for pair in pairs} != {
        pair.caption for pair in draw_twins(30, sounds, CompositionConfig(clip_s=1.0), seed=1)
    }


def test_one_label_makes_no_twins() -> None:
    clips = tone_clips().select(lambda clip: clip.labels == ("dog",))
    with pytest.raises(EarShotError, match="add clips with other labels"):
        draw_twins(1, Segments(clips, sample_rate=RATE, longest_s=1.0), CompositionConfig(), 0)
