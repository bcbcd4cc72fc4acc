"""What is written is what is read, and a failed write leaves what was there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from earshot.audio import AudioError, probe_audio, read_audio, write_audio
from earshot.core.errors import EarShotError
from sound_files import tones

RATE = 16_000  # Hz


@given(
    steps=arrays(np.int16, st.integers(1, 500)),
    suffix=st.sampled_from([".wav", ".flac", ".aiff", ".caf"]),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_sixteen_bits_come_back_bit_for_bit(
    steps: np.ndarray, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("write") / f"sound{suffix}"
    waveform = steps.astype(np.float32) / 2**15
    write_audio(path, waveform, RATE)
    np.testing.assert_array_equal(read_audio(path).waveform, waveform)
    write_audio(path, steps, RATE)  # integers mean the same
    np.testing.assert_array_equal(read_audio(path).waveform, waveform)


@pytest.mark.parametrize(
    ("suffix", "subtype", "step"),
    [
        (".wav", None, 2**-15),
        (".wav", "PCM_24", 2**-23),
        (".wav", "PCM_32", 2**-23),  # float32 holds no more
        (".wav", "FLOAT", 0.0),
        (".wav", "double", 0.0),
        (".flac", "PCM_24", 2**-23),
    ],
)
def test_the_error_is_at_most_half_a_step(
    suffix: str, subtype: str | None, step: float, tmp_path: Path
) -> None:
    sound = tones(0.3, RATE)
    write_audio(tmp_path / f"a{suffix}", sound, RATE, subtype=subtype)
    error = np.abs(read_audio(tmp_path / f"a{suffix}").waveform - sound[0])
    assert error.max() <= step / 2 + 1e-12


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".opus"])
def test_lossy_formats_keep_the_sound(suffix: str, tmp_path: Path) -> None:
    sound = tones(6.0, RATE, 2)  # longer than what is handed to the encoder at once
    write_audio(tmp_path / f"a{suffix}", sound, RATE)
    back = read_audio(tmp_path / f"a{suffix}", sample_rate=RATE)
    assert back.duration_s == pytest.approx(6.0, abs=0.1)
    n_samples = min(len(back.waveform), sound.shape[1])
    assert np.corrcoef(back.waveform[:n_samples], sound.mean(0)[:n_samples])[0, 1] > 0.98


@pytest.mark.slow
def test_a_long_vorbis_file_does_not_end_the_interpreter(tmp_path: Path) -> None:
    """libsndfile dies of a stack overrun when given 7.2 million samples at once."""
    path = tmp_path / "long.ogg"
    code = (
        "import sys, numpy as np; from pathlib import Path; from earshot.audio import write_audio\n"
        "noise = np.random.default_rng(0).standard_normal(7_200_000, np.float32) * 0.1\n"
        "write_audio(Path(sys.argv[1]), noise, 8_000)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert probe_audio(path).duration_s == 900.0


def test_channels_are_kept(tmp_path: Path) -> None:
    sound = tones(0.2, RATE, 3)
    write_audio(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    frames, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(frames.T, sound)


def test_format_overrules_the_suffix(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.bin", tones(0.1, RATE), RATE, format="flac")
    assert probe_audio(tmp_path / "a.bin").format == "flac"


def test_loud_samples_saturate(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", np.array([-3.0, -1.0, 0.0, 1.0, 3.0]), RATE)
    steps, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert steps.tolist() == [-32_768, -32_768, 0, 32_767, 32_767]


def test_strange_names_and_new_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / os.fsdecode(b"li\nne \xff'\".wav")
    write_audio(path, tones(0.1, RATE), RATE)
    assert len(read_audio(path).waveform) == RATE // 10


@pytest.mark.parametrize(
    ("waveform", "suffix", "word"),
    [
        (np.array([0.0, np.nan]), ".wav", "not numbers"),
        (np.zeros(0), ".wav", "at least one sample"),
        (np.zeros((2, 2, 2)), ".wav", "at least one sample"),
        (np.zeros((99, 5)), ".wav", "channels"),
        (np.zeros(9), ".xyz", "one of wav, flac"),
        (np.zeros(9), "", "one of wav, flac"),
        (np.zeros((9, 50)), ".flac", "cannot be written"),  # flac holds eight channels
        (np.zeros(9, complex), ".wav", "samples of type"),
    ],
)
def test_a_failed_write_leaves_what_was_there(
    waveform: np.ndarray, suffix: str, word: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(AudioError, match=word):
        write_audio(path, waveform, RATE)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EarShotError, match="cannot be written"):
        write_audio(tmp_path / "file" / "a.wav", np.zeros(9), RATE)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(EarShotError, match="cannot be written"):
        write_audio(tmp_path / "folder.wav", np.zeros(9), RATE)
    with pytest.raises(AudioError, match="cannot be written"):
        write_audio(tmp_path / "a.mp3", np.zeros(9), 96_000)  # mp3 ends at 48 kHz
    with pytest.raises(AudioError, match="cannot be written"):
        write_audio(tmp_path / "a.wav", np.zeros(9), RATE, subtype="VORBIS")
