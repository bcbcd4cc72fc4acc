from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.test_brain import recording, story, study
from earshot.core.errors import EarShotError
from earshot.data.brain import BrainRecording, BrainStudy, FeatureTrack, split_extents
from earshot.data.brain_windows import (
    BrainBatches,
    BrainWindowConfig,
    clean_window,
    find_windows,
    robust_scale,
    scale_recording,
)

SETTINGS = settings(deadline=None, derandomize=True, max_examples=25)
CONFIG = BrainWindowConfig(
    sample_rate=10.0, before_s=0.5, after_s=2.5, shift_s=0.2, clamp=None, baseline=False
)


def clock(lead_s: float, name: str, channels: int = 2) -> BrainRecording:
    """Channels that tell the time of the sound: signal = seconds since it began."""
    times = np.arange(1_300) / 10.0 - lead_s
    base = recording(story(lead_s=lead_s), name)
    return replace(
        base,
        signal=np.stack([times] * channels).astype(np.float32),
        positions=np.linspace(0, 1, 2 * channels).reshape(channels, 2),
    )


def timed_study() -> BrainStudy:
    """Two subjects, one of three sensors, and a sound that tells its time, ten times a second."""
    track = FeatureTrack(np.arange(1_010)[None] / 10.0, 10.0)
    return BrainStudy((clock(5.0, "a"), clock(20.0, "b", 3)), {"story": track})


def batches(split: str = "train", *, at_words: bool = False, **options: object) -> BrainBatches:
    made = timed_study()
    extents = split_extents(made, 1)
    windows = find_windows(made.recordings, extents, CONFIG, at_words=at_words, split=split)
    tracks = {
        number: FeatureTrack(
            made.sounds["story"].values[:, round(e.start_s * 10) : round(e.stop_s * 10)], 10.0
        )
        for number, e in enumerate(extents)
    }
    scaled = [each.signal for each in made.recordings]
    how = {"subjects": made.subjects, "batch_size": 8} | options
    return BrainBatches(windows, made.recordings, scaled, extents, tracks, CONFIG, **how)


def test_brain_and_speech_of_a_row_are_of_the_same_moment_but_for_the_shift() -> None:
    """Both tell the time of the sound: what the brain does is read 0.2 s later."""
    for batch in batches().once():
        assert batch.brain.shape[2] == batch.speech.shape[2] == 28
        for row in range(len(batch)):
            late = batch.brain[row, 0] - batch.speech[row, 0]
            torch.testing.assert_close(late, torch.full((28,), 0.2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("at_words", [False, True])
def test_no_window_leaves_its_extent_and_no_split_hears_another(at_words: bool) -> None:
    made = timed_study()
    extents = split_extents(made, 1)
    heard: dict[str, set[int]] = {}
    for split in ("train", "valid", "test"):
        for window in find_windows(
            made.recordings, extents, CONFIG, at_words=at_words, split=split
        ):
            extent = extents[window.extent]
            assert extent.split == split
            assert extent.start_s - 1e-6 <= window.start_s - 0.5
            assert window.start_s + 2.5 <= extent.stop_s + 1e-6
            span = range(round(10 * window.start_s) - 5, round(10 * window.start_s) + 25)
            heard.setdefault(split, set()).update(span)
    assert heard["train"]
    assert heard["test"]
    for one, two in itertools.combinations(heard.values(), 2):
        assert not one & two


def test_subjects_share_segments_and_training_has_a_grid() -> None:
    train = batches().windows
    for_each = [{w.segment for w in train if w.recording == number} for number in (0, 1)]
    assert for_each[0] == for_each[1]
    assert all(window.start_s % 0.5 == 0 for window in train)
    test = batches("test", at_words=True).windows
    assert all(window.word == f"w{round(2 * window.start_s - 1)}" for window in test)


def test_batches_start_anywhere_and_processes_share_them() -> None:
    whole = batches(seed=3)
    some = list(itertools.islice(whole.batches(), 30))
    late = next(batches(seed=3).batches(29))
    assert torch.equal(some[29].brain, late.brain)
    parts = [next(batches(seed=3, rank=rank, world=2).batches()) for rank in (0, 1)]
    together = torch.cat([part.segment for part in parts]).sort().values
    assert torch.equal(together, some[0].segment.sort().values)
    assert not torch.equal(next(batches(seed=4).batches()).segment, some[0].segment)


def test_padding_marks_where_a_recording_has_no_sensor() -> None:
    batch = next(batches().batches())
    assert batch.padding.any(0).tolist() == [False, False, True]
    assert torch.equal(batch.padding[:, 2], batch.subject == 0)
    assert not batch.positions[batch.padding].any()


def test_the_control_keeps_sets_and_breaks_pairs() -> None:
    true, mixed = batches(), batches(shuffle_brain=True)
    one, two = (torch.cat([b.speech for b in each.once()]) for each in (true, mixed))
    assert torch.equal(one, two)
    times = [
        torch.cat([b.brain[:, 0, 0] - b.speech[:, 0, 0] for b in each.once()])
        for each in (true, mixed)
    ]
    assert (times[0].round(decimals=3) == 0.2).all()
    assert (times[1].round(decimals=3) == 0.2).float().mean() < 0.2


@SETTINGS
@given(scale=st.floats(0.01, 100), offset=st.floats(-50, 50))
def test_units_and_offsets_of_a_channel_are_scaled_away(scale: float, offset: float) -> None:
    signal = np.random.default_rng(0).normal(size=(3, 400))
    middle, spread = robust_scale(scale * signal + offset)
    wanted = [np.quantile(row, [0.25, 0.5, 0.75]) for row in signal]
    for row, (low, half, high) in enumerate(wanted):
        assert middle[row, 0] == pytest.approx(scale * half + offset, abs=1e-6 * (1 + abs(offset)))
        assert spread[row, 0] == pytest.approx(scale * (high - low), rel=1e-6)


def test_only_training_is_measured_and_a_dead_channel_stays_at_zero() -> None:
    signal = np.zeros((2, 100))
    signal[0, :50] = np.arange(50)
    signal[0, 50:] = 1e6
    middle, spread = robust_scale(signal, [(0, 50)])
    assert (middle[0, 0], spread[0, 0]) == (24.5, 24.5)
    assert (middle[1, 0], spread[1, 0]) == (0.0, 1.0)
    made = clock(5.0, "a")
    made = replace(made, signal=np.concatenate([made.signal[:1], 0 * made.signal[:1]]))
    window = replace(batches().windows[0], onset_s=30.0)
    scaled = scale_recording(made, [window], CONFIG)
    inside = scaled[0, 295:325]
    assert np.median(inside) == pytest.approx(0.0, abs=1e-5)
    assert np.subtract(*np.quantile(inside, [0.75, 0.25])) == pytest.approx(1.0, abs=1e-5)
    assert not scaled[1].any()


def test_cleaning_takes_the_baseline_then_clamps_then_shifts() -> None:
    window = np.concatenate([np.full((1, 5), 3.0), np.linspace(-90, 90, 25)[None]], 1)
    clean = clean_window(window, replace(CONFIG, baseline=True, clamp=20.0))
    assert clean.shape == (1, 28)
    assert clean[0, :3] == pytest.approx(0.0)
    assert clean[0, 3:] == pytest.approx(np.clip(window[0, 5:] - 3.0, -20, 20))
    loud = clean_window(window, CONFIG)
    assert np.abs(loud).max() == 90


def test_what_cannot_be_windowed_is_refused() -> None:
    with pytest.raises(EarShotError, match="a at 10 Hz; expected 120 Hz"):
        scale_recording(clock(5.0, "a"), [], BrainWindowConfig())
    with pytest.raises(EarShotError, match="shift shorter than the window"):
        BrainWindowConfig(shift_s=4.0)
    with pytest.raises(EarShotError, match="positive lengths"):
        BrainWindowConfig(after_s=0.0)
    with pytest.raises(EarShotError, match="batches of 1 over 2 processes"):
        batches(batch_size=1, world=2)


def test_the_published_windows() -> None:
    config = BrainWindowConfig()
    assert (config.n_samples, config.shift, config.n_before) == (360, 18, 60)
    assert study(recording(story())).subjects == ["a"]
