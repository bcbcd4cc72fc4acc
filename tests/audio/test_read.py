"""Every format gives the known waveform; parts equal cuts; bytes equal files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from earshot.audio import Audio, AudioError, probe_audio, read_audio
from shared_data import shared_data
from sound_files import EVERY, EXACT, encode, tones

RATE = 16_000  # Hz


@pytest.fixture(scope="module")
def stereo() -> np.ndarray:
    return tones(1.5, RATE, n_channels=2)  # [2, samples]


@pytest.fixture(scope="module")
def files(stereo: np.ndarray) -> dict[str, bytes]:
    return {name: encode(name, stereo, RATE) for name in EVERY}


@pytest.mark.parametrize("name", EXACT)
def test_lossless_formats_give_the_waveform(
    name: str, files: dict[str, bytes], stereo: np.ndarray
) -> None:
    audio = read_audio(files[name])
    assert audio.sample_rate == RATE
    assert audio.waveform.dtype == np.float32
    assert audio.waveform.flags.c_contiguous
    np.testing.assert_allclose(audio.waveform, stereo.mean(0), atol=1.01 / 2**15)


@pytest.mark.parametrize("name", sorted(set(EVERY) - set(EXACT)))
def test_lossy_formats_give_the_sound(
    name: str, files: dict[str, bytes], stereo: np.ndarray
) -> None:
    waveform = read_audio(files[name], sample_rate=RATE).waveform
    wanted = stereo.mean(0)[2_000:20_000]
    # Encoders put up to 0.15 s in front, which not every container records.
    scores = np.correlate(waveform[: 20_000 + 2_400], wanted, "valid")
    at = int(scores.argmax())
    cut = waveform[at : at + len(wanted)]
    assert -600 <= at - 2_000 <= 2_400  # ffmpeg drops the first 512 of wma
    assert np.corrcoef(cut, wanted)[0, 1] > 0.98
    assert np.abs(cut).max() == pytest.approx(np.abs(wanted).max(), rel=0.15)


@pytest.mark.parametrize("name", EVERY)
def test_bytes_equal_the_file(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / f"sound.{name}"
    path.write_bytes(files[name])
    from_bytes, from_file = read_audio(files[name]), read_audio(path)
    assert from_bytes.sample_rate == from_file.sample_rate
    np.testing.assert_array_equal(from_bytes.waveform, from_file.waveform)
    np.testing.assert_array_equal(from_file.waveform, read_audio(str(path)).waveform)
    assert probe_audio(path) == probe_audio(files[name])


@pytest.mark.parametrize("sample_rate", [None, 22_050])
@pytest.mark.parametrize("name", EVERY)
def test_a_part_equals_the_cut(name: str, sample_rate: int | None, files: dict[str, bytes]) -> None:
    whole = read_audio(files[name], sample_rate=sample_rate)
    part = read_audio(files[name], sample_rate=sample_rate, start_s=0.9, duration_s=0.31)
    first = round(0.9 * whole.sample_rate)
    assert len(part.waveform) == round(0.31 * whole.sample_rate)
    # AAC decoders draw the noise that encoders leave out: it differs after a seek.
    tolerance = 5e-3 if name in ("m4a", "mp4") else 2e-5
    wanted = whole.waveform[first : first + len(part.waveform)]
    np.testing.assert_allclose(part.waveform, wanted, atol=tolerance)


@pytest.mark.parametrize("name", ["mp3", "ogg", "m4a"])
def test_a_part_of_a_pure_tone_equals_the_cut(name: str) -> None:
    """Where a codec spends its bits unevenly, the frames before a place are needed to decode it."""
    time = np.arange(5 * 44_100) / 44_100
    tone = 0.4 * np.sin(2 * np.pi * 440 * time) * np.sin(time)
    both = np.stack([tone, 0.4 * np.sin(2 * np.pi * 660 * time)]).astype(np.float32)
    content = encode(name, both, 44_100)
    whole = read_audio(content).waveform
    for start_s in (1.3, 2.5, 3.7):
        part = read_audio(content, start_s=start_s, duration_s=0.7).waveform
        first = round(start_s * 44_100)
        np.testing.assert_allclose(part, whole[first : first + len(part)], atol=2e-5)


def test_a_part_may_pass_the_end(files: dict[str, bytes]) -> None:
    part = read_audio(files["wav"], start_s=1.4, duration_s=10.0)
    assert len(part.waveform) == RATE * 1.5 - RATE * 1.4


@pytest.mark.parametrize("name", EVERY)
def test_probing_says_what_reading_finds(name: str, files: dict[str, bytes]) -> None:
    info, audio = probe_audio(files[name]), read_audio(files[name])
    assert info.sample_rate == audio.sample_rate
    assert info.n_channels == 2
    assert info.duration_s == pytest.approx(audio.duration_s, abs=0.15)
    assert info.n_samples == pytest.approx(len(audio.waveform), abs=0.15 * info.sample_rate)
    assert info.format
    assert info.codec


def test_probing_does_not_decode(files: dict[str, bytes]) -> None:
    header = files["flac"][:4_200]  # all of the header, next to nothing of the sound
    assert probe_audio(header).duration_s == 1.5


def test_probing_names_format_and_codec(files: dict[str, bytes]) -> None:
    said = {
        name: (info.format, info.codec)
        for name in ("wav", "ogg", "m4a", "mka")
        for info in [probe_audio(files[name])]
    }
    assert said == {
        "wav": ("wav", "pcm_16"),
        "ogg": ("ogg", "vorbis"),
        "m4a": ("mp4", "aac"),
        "mka": ("matroska", "flac"),
    }


@pytest.mark.parametrize("n_channels", [1, 2, 3, 8, 16, 32])
@pytest.mark.parametrize("name", ["wav", "float.wav", "caf"])
def test_channels_are_averaged(name: str, n_channels: int) -> None:
    sound = tones(0.1, RATE, n_channels)
    waveform = read_audio(encode(name, sound, RATE)).waveform
    np.testing.assert_allclose(waveform, sound.mean(0), atol=1 / 2**15)


@pytest.mark.parametrize("sample_rate", [1_000, 7_350, 11_127, 44_100, 96_000, 192_000])
def test_odd_rates_are_read(sample_rate: int) -> None:
    sound = tones(0.2, sample_rate)
    audio = read_audio(encode("wav", sound, sample_rate))
    assert audio.sample_rate == sample_rate
    np.testing.assert_allclose(audio.waveform, sound[0], atol=1 / 2**15)
    resampled = read_audio(encode("wav", sound, sample_rate), sample_rate=RATE)
    assert resampled.duration_s == pytest.approx(0.2, abs=1 / RATE + 1 / sample_rate)


@given(
    arrays(np.int16, st.integers(1, 300)),
    st.sampled_from([np.uint8, np.int16, np.int32, np.float32, np.float64]),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_arrays_of_any_type_are_scaled_alike(steps: np.ndarray, dtype: type) -> None:
    wanted = steps / 2**15
    scaled = {
        np.uint8: (steps.astype(np.int32) + 2**15) >> 8,
        np.int16: steps,
        np.int32: steps.astype(np.int32) << 16,
    }.get(dtype, wanted)
    waveform = read_audio(scaled.astype(dtype), source_rate=RATE).waveform
    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, wanted, atol=1 / 2**7 if dtype is np.uint8 else 1e-7)


def test_an_array_an_audio_and_a_file_agree(stereo: np.ndarray) -> None:
    by_array = read_audio(stereo, source_rate=RATE, sample_rate=8_000, start_s=0.2)
    mono = Audio(stereo.mean(0, dtype=np.float32), RATE)
    by_audio = read_audio(mono, sample_rate=8_000, start_s=0.2)
    by_file = read_audio(encode("float.wav", stereo, RATE), sample_rate=8_000, start_s=0.2)
    np.testing.assert_allclose(by_array.waveform, by_audio.waveform, atol=1e-6)
    np.testing.assert_allclose(by_array.waveform, by_file.waveform, atol=1e-6)


def test_overshoot_is_clipped_before_and_after_resampling() -> None:
    loud = 1.7 * tones(0.2, RATE) / 0.4
    assert np.abs(loud).max() > 1.2
    for sample_rate in (RATE, 44_100):
        waveform = read_audio(encode("float.wav", loud, RATE), sample_rate=sample_rate).waveform
        assert np.abs(waveform).max() == pytest.approx(1.0, abs=0.01)
        assert np.abs(waveform).max() <= 1.0


@pytest.mark.parametrize("n_samples", [1, 2, 5])
def test_the_shortest_sounds_are_sounds(n_samples: int) -> None:
    sound = tones(1, RATE)[:, 100 : 100 + n_samples]
    assert len(read_audio(encode("wav", sound, RATE)).waveform) == n_samples
    assert len(read_audio(encode("wav", sound, RATE), sample_rate=48_000).waveform) == 3 * n_samples


def test_silence_is_a_sound() -> None:
    waveform = read_audio(encode("wav", np.zeros((1, 100)), RATE)).waveform
    np.testing.assert_array_equal(waveform, np.zeros(100, np.float32))


def test_an_audio_is_mono_and_knows_its_length() -> None:
    assert Audio(np.zeros(8_000, np.float32), RATE).duration_s == 0.5
    with pytest.raises(AudioError, match="mixes channels down"):
        Audio(np.zeros((2, 100), np.float32), RATE)


def test_real_recordings_are_read() -> None:
    paths = sorted(shared_data("esc10").rglob("*.ogg"))[:5]
    assert paths
    for path in paths:
        audio = read_audio(path, sample_rate=32_000)
        assert audio.duration_s == pytest.approx(probe_audio(path).duration_s or 0, abs=1e-3)
        assert np.abs(audio.waveform).max() > 0.001
