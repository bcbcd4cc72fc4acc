"""Each kind of bad input gets one sentence with its reason and its mend."""

from __future__ import annotations

import logging
import os
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio, AudioError, AudioInfo, probe_audio, read_audio, stream_windows
from sound_files import encode, tones

RATE = 16_000  # Hz


def windows(source: object) -> None:
    for _ in stream_windows(source, sample_rate=RATE, window_s=0.5, hop_s=0.5):  # type: ignore[arg-type]
        pass


EVERY_DOOR = pytest.mark.parametrize(
    "door", [read_audio, probe_audio, windows], ids=["read", "probe", "windows"]
)
DECODING_DOORS = pytest.mark.parametrize("door", [read_audio, windows], ids=["read", "windows"])
Door = Callable[[object], object]


def refusal(door: Door, source: object) -> str:
    with pytest.raises(AudioError) as caught:
        door(source)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert caught.value.mend.endswith(".")
    return sentence


@EVERY_DOOR
def test_missing(door: Door, tmp_path: Path) -> None:
    sentence = refusal(door, tmp_path / "gone.wav")
    assert "gone.wav" in sentence
    assert "no such file" in sentence


@EVERY_DOOR
def test_not_ours_to_read(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.wav"
    path.write_bytes(encode("wav", tones(0.1, RATE), RATE))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything: a mode would not do
    assert "permission denied" in refusal(door, path)


@EVERY_DOOR
def test_empty(door: Door, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    assert "which is empty" in refusal(door, tmp_path / "empty.wav")
    assert "which is empty" in refusal(door, b"")


@EVERY_DOOR
@pytest.mark.parametrize(
    "content", [b"It rained all night.\n" * 50, bytes(5_000), b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_no_sound_at_all(door: Door, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.wav"
    path.write_bytes(content)
    assert "photo.wav', which no decoder knows as sound" in refusal(door, path)


@EVERY_DOOR
def test_a_film_without_sound(door: Door, tmp_path: Path) -> None:
    import av

    path = tmp_path / "silent film.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(stream.encode(None))
    assert "no audio track" in refusal(door, path)


@DECODING_DOORS
def test_no_samples(door: Door) -> None:
    assert "no samples that decode" in refusal(door, encode("wav", np.zeros((1, 0)), RATE))
    assert "no samples that decode" in refusal(door, Audio(np.zeros(0, np.float32), RATE))


@DECODING_DOORS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(door: Door, value: float) -> None:
    sound = tones(1.0, RATE, 2)
    sound[1, 8_000] = value
    sentence = refusal(door, encode("float.wav", sound, RATE))
    assert "(NaN or Inf) at sample 8000 (0.500 s)" in sentence
    assert "np.nan_to_num" in sentence


@DECODING_DOORS
def test_floats_on_the_scale_of_integers(door: Door) -> None:
    sentence = refusal(door, encode("float.wav", tones(0.2, RATE) * 32_768, RATE))
    assert "expected samples in [-1, 1]" in sentence
    assert "32768" in sentence


@EVERY_DOOR
def test_folder(door: Door, tmp_path: Path) -> None:
    assert "which is a folder" in refusal(door, tmp_path)


@EVERY_DOOR
def test_pipe_is_refused_at_once(door: Door, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")  # reading it would wait for a writer for ever
    assert "which is a pipe" in refusal(door, tmp_path / "pipe.wav")


@EVERY_DOOR
def test_device(door: Door) -> None:
    assert "which is a device" in refusal(door, "/dev/zero")  # it never ends


@EVERY_DOOR
def test_links_in_a_circle(door: Door, tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to(tmp_path / "b.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    assert "symbolic links" in refusal(door, tmp_path / "a.wav")


@EVERY_DOOR
def test_names_no_file_can_have(door: Door) -> None:
    assert "no file can be called" in refusal(door, "a\0b.wav")
    assert "name too long" in refusal(door, "a" * 5_000 + ".wav")


@EVERY_DOOR
def test_things_that_hold_no_sound(door: Door) -> None:
    assert "got a int" in refusal(door, 7)
    assert "got a NoneType" in refusal(door, None)


@pytest.mark.parametrize(
    "name",
    [
        "two words.wav",
        'it\'s "quoted".wav',
        "line\nbreak.wav",
        "ünïcödé 音.wav",
        b"caf\xe9 \xff.wav",
    ],
)
def test_strange_names_are_names(name: str | bytes, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), os.fsencode(name))))  # noqa: PTH118
    for kind in ("wav", "m4a"):  # each decoder
        path.write_bytes(encode(kind, tones(0.2, RATE), RATE))
        assert read_audio(path).duration_s == pytest.approx(0.2, abs=0.1)
        assert read_audio(str(path)).sample_rate == RATE
        assert isinstance(probe_audio(path), AudioInfo)
    path.write_bytes(b"no sound")
    refusal(read_audio, path).encode("utf-8")  # messages can be printed anywhere


@pytest.mark.parametrize("claimed", [2**32 - 1, 2**31 - 1, 4_000_000_000])
@DECODING_DOORS
def test_a_header_that_claims_gigabytes(door: Door, claimed: int) -> None:
    import tracemalloc

    content = bytearray(encode("wav", tones(0.5, RATE), RATE))
    content[40:44] = struct.pack("<I", claimed)
    tracemalloc.start()
    try:
        door(bytes(content))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert len(read_audio(bytes(content)).waveform) == RATE // 2


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "aac", "mkv", "aiff"])
def test_a_file_cut_short_gives_what_is_there(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    content = encode(kind, tones(3.0, RATE, 2), RATE)
    whole = read_audio(content).waveform
    caplog.clear()
    part = read_audio(content[: int(0.8 * len(content))]).waveform
    assert 0.3 * len(whole) < len(part) < 0.9 * len(whole)
    n_same = min(len(part), RATE)
    np.testing.assert_allclose(part[:n_same], whole[:n_same], atol=1e-5)
    if kind in ("wav", "flac", "mp3", "aac", "mkv"):  # ogg and aiff do not say how long they are
        assert re.search("ends early|is damaged", caplog.text)


def test_a_whole_file_is_read_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "earshot.audio"):
        for kind in ("wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "mkv"):
            read_audio(encode(kind, tones(1.0, RATE, 2), RATE))
    assert not caplog.text


def test_a_file_streamed_to_a_pipe_is_no_damaged_file(caplog: pytest.LogCaptureFixture) -> None:
    content = bytearray(encode("wav", tones(0.5, RATE), RATE))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"  # what ffmpeg writes to a pipe
    assert len(read_audio(bytes(content)).waveform) == RATE // 2
    assert not caplog.text


@pytest.mark.parametrize("block", [2**19, 5_000])
def test_damage_in_the_middle_of_flac_keeps_what_lies_before(
    block: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.audio.libsndfile.BLOCK_VALUES", block)
    content = bytearray(encode("flac", tones(3.0, RATE), RATE))
    middle = len(content) // 2
    content[middle : middle + 60] = bytes(60)
    waveform = read_audio(bytes(content)).waveform
    assert 0.8 * RATE < len(waveform) < 2.2 * RATE
    np.testing.assert_allclose(waveform, tones(3.0, RATE)[0, : len(waveform)], atol=1 / 2**15)
    assert "is damaged" in caplog.text
    behind = read_audio(bytes(content), start_s=2.5).waveform  # and may be reached by a seek
    np.testing.assert_allclose(behind, tones(3.0, RATE)[0, 40_000:], atol=1 / 2**15)


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
@EVERY_DOOR
def test_rates_no_recorder_has(door: Door, rate: int) -> None:
    content = bytearray(encode("wav", tones(0.1, RATE), RATE))
    content[24:28] = struct.pack("<I", rate)
    assert f"sample rate of {rate} Hz" in refusal(door, bytes(content))


def test_a_transposed_array() -> None:
    sentence = refusal(lambda source: read_audio(source, source_rate=RATE), np.zeros((RATE, 2)))
    assert "transpose it" in sentence


def test_arrays_of_other_kinds() -> None:
    for array in (np.zeros(9, bool), np.zeros(9, complex), np.zeros(9, np.int64), np.array(["a"])):
        sentence = refusal(lambda source: read_audio(source, source_rate=RATE), array)
        assert "samples of type" in sentence
    for array in (np.zeros((2, 2, 2)), np.array(1.0)):
        sentence = refusal(lambda source: read_audio(source, source_rate=RATE), array)
        assert "array of shape" in sentence
    assert "source_rate" in refusal(read_audio, np.zeros(9))


@pytest.mark.parametrize(
    ("start_s", "duration_s", "word"),
    [
        (-1.0, None, "from 0 on"),
        (float("nan"), None, "from 0 on"),
        (float("inf"), None, "from 0 on"),
        (0.0, 0.0, "above 0"),
        (0.0, -1.0, "above 0"),
        (0.0, float("nan"), "above 0"),
        (2.0, None, "before the end"),
        (1e9, 1.0, "which is 1.000 s long"),
    ],
)
@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "mka"])
def test_parts_that_are_not_there(
    kind: str, start_s: float, duration_s: float | None, word: str
) -> None:
    content = encode(kind, tones(1.0, RATE), RATE)
    with pytest.raises(AudioError, match=re.escape(word)):
        read_audio(content, start_s=start_s, duration_s=duration_s)


def test_a_sound_too_long_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.audio.read.MAX_SAMPLES", 10_000)
    content = encode("wav", tones(1.0, RATE), RATE)
    assert "stream_windows" in refusal(read_audio, content)
    assert read_audio(content, duration_s=0.5).duration_s == 0.5


def test_playlists_open_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.aac").write_bytes(encode("aac", tones(0.5, RATE), RATE))
    playlists = {
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.aac\n#EXT-X-ENDLIST\n",
        "list.ffconcat": "ffconcat version 1.0\nfile secret.aac\n",
    }
    for name, text in playlists.items():
        (tmp_path / name).write_text(text)
        assert "no decoder knows" in refusal(read_audio, tmp_path / name)


def test_many_channels_in_a_codec_of_planes() -> None:
    """PyAV's own conversion reads past the frame here: eight planes and more have no end mark."""
    sound = tones(0.5, RATE, 8)
    content = encode("mkv", sound, RATE)
    wanted = sound.mean(0)[1_000:7_000]
    assert probe_audio(content).n_channels == 8
    assert np.corrcoef(read_audio(content).waveform[1_000:7_000], wanted)[0, 1] > 0.9


def test_the_error_survives_the_way_between_processes() -> None:
    fault = AudioError(got="a", expected="b", mend="c.")
    again = pickle.loads(pickle.dumps(fault))
    assert isinstance(again, AudioError)
    assert str(again) == str(fault)
