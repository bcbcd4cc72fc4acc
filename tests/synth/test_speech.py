from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth import VOICES, espeak, speak, utterance

ENGINES = [
    "formant",
    pytest.param(
        "espeak",
        marks=pytest.mark.skipif(not espeak.espeak_works(), reason="espeak-ng is not installed"),
    ),
]
LANGUAGES = ("en", "en-gb", "en-us", "fr", "fr-fr", "de", "es", "it", "pt-br", "zh", "ja", "ru")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_different_voices(engine: str, language: str) -> None:
    said = [speak("ba ti 12", language=language, voice=v, engine=engine) for v in VOICES]  # type: ignore[arg-type]
    assert len({audio.waveform.tobytes() for audio in said}) == len(VOICES)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
def test_speech_is_clean_and_repeatable(engine: str, sample_rate: int) -> None:
    text = "the old man waits at the station"
    audio = speak(text, engine=engine, sample_rate=sample_rate, seed=4)  # type: ignore[arg-type]
    assert audio.sample_rate == sample_rate
    assert audio.waveform.dtype == np.float32
    assert 1.0 < audio.duration_s < 4.0
    assert np.abs(audio.waveform).max() == pytest.approx(0.7, abs=1e-3)
    again = speak(text, engine=engine, sample_rate=sample_rate, seed=4)  # type: ignore[arg-type]
    np.testing.assert_array_equal(audio.waveform, again.waveform)


@pytest.mark.parametrize("engine", ENGINES)
def test_pitch_and_speed_are_obeyed(engine: str) -> None:
    def said(**how: float) -> np.ndarray:
        return speak("mama una lemona mali", voice="m1", engine=engine, **how).waveform  # type: ignore[arg-type]

    assert len(said(speed=0.7)) > 1.3 * len(said(speed=1.4))
    assert pitch_hz(said(pitch=1.4)) > 1.2 * pitch_hz(said(pitch=0.8))
    low = speak("mama una lemona mali", voice="m1", engine=engine).waveform  # type: ignore[arg-type]
    high = speak("mama una lemona mali", voice="f2", engine=engine).waveform  # type: ignore[arg-type]
    assert pitch_hz(high) > 1.2 * pitch_hz(low)


def pitch_hz(waveform: np.ndarray) -> float:
    """The median period of 64 ms frames, by autocorrelation, of the loud half of them."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 1_024)[::512]
    loud = frames[np.argsort(np.square(frames).sum(1))[len(frames) // 2 :]]
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(1_024), 2_048)) ** 2
    similar = np.fft.irfft(spectrum)[:, 40:230]  # 70 to 400 Hz
    return float(np.median(16_000 / (40 + similar.argmax(1))))


def test_the_formant_voice_speaks_in_syllables() -> None:
    """Its level rises and falls with the syllables, and different words differ."""
    audio = speak("pata kata pata kata", voice="m1", engine="formant")
    smooth = np.hanning(1_600) / np.hanning(1_600).sum()  # 100 ms
    level = np.convolve(np.square(audio.waveform), smooth, "same")[::160]
    high = level[1:-1] > 0.2 * level.max()
    peaks = (level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & high
    assert 6 <= peaks.sum() <= 10  # eight syllables
    other = speak("mono wole mono wole", voice="m1", engine="formant")
    assert abs(len(other.waveform) - len(audio.waveform)) > 100


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"text": " ... "}, "words"),
        ({"voice": "m9"}, "m1"),
        ({"pitch": 5.0}, "0.5 to 2"),
        ({"sample_rate": 96_000}, "48000"),
    ],
)
def test_faults_are_told(change: dict, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        speak(**{"text": "hello", "engine": "formant", **change})


@pytest.mark.skipif(not espeak.espeak_works(), reason="espeak-ng is not installed")
def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(EarShotError, match="language 'xx'"):
        speak("hello", language="xx", engine="espeak")


def test_without_espeak_auto_is_our_own_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = speak("hello there", engine="formant", seed=1).waveform
    monkeypatch.setenv("PATH", "")
    np.testing.assert_array_equal(speak("hello there", seed=1).waveform, expected)
    with pytest.raises(EarShotError, match="engine='formant'"):
        speak("hello there", engine="espeak")


def test_an_utterance_is_told_truly() -> None:
    for index in range(6):
        said = utterance(0, index, engine="formant")
        who = "man" if said.voice.startswith("m") else "woman"
        assert len(set(said.captions)) == 5
        for caption in said.captions:
            assert ("woman" if who == "man" else " man ") not in f" {caption.lower()} "
    first = utterance(0, 3, engine="formant")
    np.testing.assert_array_equal(first.waveform, utterance(0, 3, engine="formant").waveform)
