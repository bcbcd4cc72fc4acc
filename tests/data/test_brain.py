from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.data.brain import (
    BrainRecording,
    BrainStudy,
    FeatureTrack,
    HeardWord,
    split_extents,
    split_of,
    whole_extents,
)

SETTINGS = settings(deadline=None, derandomize=True, max_examples=25)


def recording(words: list[HeardWord], name: str = "a", seconds: float = 130.0) -> BrainRecording:
    return BrainRecording(
        id=name,
        subject=name,
        signal=np.zeros((2, round(seconds * 10)), np.float32),
        sample_rate=10.0,
        positions=np.array([[0.0, 0.0], [1.0, 1.0]]),
        words=tuple(words),
    )


def story(n: int = 200, sentence: int = 4, lead_s: float = 5.0) -> list[HeardWord]:
    """A word every half second from 0.5 s on."""
    return [
        HeardWord(f"w{i}", lead_s + 0.5 + i / 2, "story", 0.5 + i / 2, 0.4, str(i // sentence))
        for i in range(n)
    ]


def study(*recordings: BrainRecording, seconds: float = 101.0) -> BrainStudy:
    return BrainStudy(recordings, {"story": FeatureTrack(np.zeros((3, round(seconds * 4))), 4.0)})


@SETTINGS
@given(seed=st.integers(0, 1_000))
def test_extents_cover_the_sound_once_and_neighbours_differ(seed: int) -> None:
    extents = split_extents(study(recording(story())), seed)
    assert extents[0].start_s == 0.0
    assert extents[-1].stop_s == 101.0
    for one, two in zip(extents, extents[1:], strict=False):
        assert one.stop_s == two.start_s
        assert one.split != two.split
    for extent in extents:
        assert extent.stop_s - extent.start_s >= 4.0


def test_blocks_are_whole_sentences_of_six_seconds() -> None:
    """Sentences of four words last 2 s: blocks are three of them."""
    extents = split_extents(study(recording(story())), 3)
    edges = {extent.start_s for extent in extents} - {0.0}
    assert edges <= {0.5 + 6.0 * k for k in range(1, 20)}


def test_all_subjects_share_the_split_whatever_part_each_heard() -> None:
    words = story()
    whole = split_extents(study(recording(words)), 1)
    both = split_extents(study(recording(words[100:], "b"), recording(words[:120], "c")), 1)
    assert whole == both


def test_shares_are_kept_and_seeds_differ() -> None:
    names = [f"s/{i}" for i in range(4_000)]
    splits = [split_of(name, 0) for name in names]
    assert splits.count("train") / 4_000 == pytest.approx(0.7, abs=0.03)
    assert splits.count("test") / 4_000 == pytest.approx(0.2, abs=0.03)
    assert splits != [split_of(name, 1) for name in names]


def test_the_whole_of_a_sound_where_nothing_is_kept_away() -> None:
    [extent] = whole_extents(study(recording(story())))
    assert (extent.start_s, extent.stop_s, extent.split) == (0.0, 101.0, "all")


def test_windows_of_features_take_the_frame_they_lie_in() -> None:
    track = FeatureTrack(np.arange(10.0)[None], 5.0)  # a frame every 0.2 s
    assert track.window(0.0, 5, 10.0).tolist() == [[0, 0, 1, 1, 2]]
    assert track.window(0.3, 3, 10.0).tolist() == [[1, 2, 2]]
    assert track.window(1.7, 5, 10.0).tolist() == [[8, 9, 9, 9, 9]]
    assert track.window(-0.3, 3, 5.0).tolist() == [[0, 0, 0]]


def test_recordings_and_sounds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EarShotError, match="no sound 'story'"):
        BrainStudy((recording(story()),), {})
    with pytest.raises(EarShotError, match="positions of shape"):
        BrainRecording("a", "a", np.zeros((2, 9), np.float32), 10.0, np.zeros((3, 2)), ())
    with pytest.raises(EarShotError, match="NaN"):
        BrainRecording("a", "a", np.full((1, 9), np.nan, np.float32), 10.0, np.zeros((1, 2)), ())
    with pytest.raises(EarShotError, match="no sensor of which has a place"):
        BrainRecording("a", "a", np.zeros((1, 9), np.float32), 10.0, np.full((1, 2), np.nan), ())
