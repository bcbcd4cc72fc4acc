"""Streaming windows equal cutting the whole sound, in bounded memory."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio, AudioError, Window, read_audio, stream_windows
from sound_files import EVERY, encode, tones

RATE = 16_000  # Hz


def cut(waveform: np.ndarray, n_window: int, n_hop: int) -> list[tuple[int, int]]:
    """The windows that the docstring promises, as pairs of first sample and end, written plainly.

    Full windows every hop; then the rest, if it brings sound that no window held and is no crumb.
    """
    n_samples = len(waveform)
    if n_samples <= n_window:
        return [(0, n_samples)]
    spans = [(at, at + n_window) for at in range(0, n_samples - n_window + 1, n_hop)]
    rest = spans[-1][0] + n_hop
    if spans[-1][1] < n_samples and n_samples - rest >= 0.1 * n_window:
        spans.append((rest, n_samples))
    return spans


def check_equal(windows: list[Window], waveform: np.ndarray, n_window: int, n_hop: int) -> None:
    spans = cut(waveform, n_window, n_hop)
    found = [(round(w.start_s * RATE), round(w.end_s * RATE)) for w in windows]
    assert found == spans
    for window, (first, end) in zip(windows, spans, strict=True):
        np.testing.assert_allclose(window.waveform, waveform[first:end], atol=1e-4)


@given(
    n_samples=st.integers(1, 3_000),
    n_window=st.integers(1, 1_200),
    n_hop=st.integers(1, 1_500),
)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_windows_equal_cuts(n_samples: int, n_window: int, n_hop: int) -> None:
    waveform = tones(0.2, RATE)[0, :n_samples]
    windows = list(
        stream_windows(
            Audio(waveform, RATE), sample_rate=RATE, window_s=n_window / RATE, hop_s=n_hop / RATE
        )
    )
    check_equal(windows, waveform, n_window, n_hop)


@pytest.mark.parametrize(("window_s", "hop_s"), [(1.0, 1.0), (1.0, 0.3), (0.4, 0.7), (9.0, 9.0)])
@pytest.mark.parametrize("from_rate", [16_000, 44_100, 11_127])
def test_windows_of_a_file_equal_cuts_of_the_read(
    from_rate: int, window_s: float, hop_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.audio.libsndfile.BLOCK_VALUES", 5_001)  # many blocks, odd ones
    content = encode("wav", tones(4.05, from_rate, 2), from_rate)
    windows = list(stream_windows(content, sample_rate=RATE, window_s=window_s, hop_s=hop_s))
    waveform = read_audio(content, sample_rate=RATE).waveform
    check_equal(windows, waveform, round(window_s * RATE), round(hop_s * RATE))


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "opus", "mp3", "24.wav"])
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = np.arange(3 * 48_000) / 48_000
    tone = (0.4 * np.sin(2 * np.pi * 440 * time) * np.sin(time))[None]
    content = encode(name, tone.astype(np.float32), 48_000)
    whole = read_audio(content, sample_rate=RATE).waveform
    monkeypatch.setattr("earshot.audio.libsndfile.BLOCK_VALUES", 1_500)
    np.testing.assert_allclose(read_audio(content, sample_rate=RATE).waveform, whole, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_windows_of_every_format(name: str) -> None:
    rate = 48_000 if name in ("opus", "webm") else 44_100
    content = encode(name, tones(2.2, rate, 2), rate)
    windows = list(stream_windows(content, sample_rate=RATE, window_s=0.5, hop_s=0.25))
    waveform = read_audio(content, sample_rate=RATE).waveform
    check_equal(windows, waveform, RATE // 2, RATE // 4)


def sparse_wav(path: Path, rate: int, n_samples: int, click_at: int) -> None:
    """A 16-bit wav of silence with one click, whose silence takes no room on the disk."""
    size = 2 * n_samples
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16)
    head += struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16) + b"data" + struct.pack("<I", size)
    with path.open("wb") as file:
        file.write(head)
        file.seek(len(head) + 2 * click_at)
        file.write(struct.pack("<h", 16_384))
        file.truncate(len(head) + size)


@pytest.mark.parametrize("sample_rate", [2_000, 4_000])
def test_ten_hours_never_lie_in_memory(sample_rate: int, tmp_path: Path) -> None:
    rate, hours = 2_000, 10
    path = tmp_path / "night.wav"
    sparse_wav(path, rate, hours * 3_600 * rate, click_at=35_000 * rate + 500)
    n_windows, end_s, clicks = 0, 0.0, []
    tracemalloc.start()
    try:
        for window in stream_windows(path, sample_rate=sample_rate, window_s=10.0, hop_s=10.0):
            n_windows, end_s = n_windows + 1, window.end_s
            if window.waveform.max() > 0.1:
                at = int(window.waveform.argmax()) / sample_rate
                clicks.append(window.start_s + at)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_windows == hours * 360
    assert end_s == hours * 3_600
    assert clicks == [35_000.25]
    assert peak < 20e6  # the whole would be 288 MB


def test_a_long_compressed_file_streams_too(tmp_path: Path) -> None:
    path = tmp_path / "hour.m4a"
    path.write_bytes(encode("m4a", tones(240.0, 8_000), 8_000))
    tracemalloc.start()
    try:
        windows = stream_windows(path, sample_rate=RATE, window_s=2.0, hop_s=2.0)
        n_samples = sum(len(window.waveform) for window in windows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_samples == pytest.approx(240 * RATE, abs=2_400)
    assert peak < 3e6  # the whole would be 15 MB


def test_windows_are_copies_that_outlive_the_stream() -> None:
    sound = Audio(tones(1.0, RATE)[0], RATE)
    windows = list(stream_windows(sound, sample_rate=RATE, window_s=0.5, hop_s=0.25))
    windows[0].waveform[:] = 0.0
    np.testing.assert_array_equal(windows[1].waveform, sound.waveform[4_000:12_000])


@pytest.mark.parametrize(("window_s", "hop_s"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, 1e-9)])
def test_windows_of_no_length_are_refused(window_s: float, hop_s: float) -> None:
    with pytest.raises(AudioError, match="above 0"):
        stream_windows(b"RIFF", sample_rate=RATE, window_s=window_s, hop_s=hop_s)


def test_an_array_needs_its_rate() -> None:
    windows = stream_windows(np.zeros(100), sample_rate=RATE, window_s=1.0, hop_s=1.0)
    with pytest.raises(AudioError, match=r"Audio\(waveform, rate\)"):
        next(windows)
