from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth import Tune, TuneConfig, fluidsynth, tune, tunes
from mel_statistics import onset_flux

FLUX_HOP_S = 0.005
VOICES = [
    "own",
    pytest.param(
        "fluidsynth",
        marks=pytest.mark.skipif(
            not fluidsynth.fluidsynth_works(), reason="fluidsynth or a soundfont is not installed"
        ),
    ),
]


def pulse(made: Tune, period_s: float) -> float:
    """Autocorrelation of the onsets at a period, within 20 ms."""
    flux = onset_flux(made.waveform)
    flux = flux - flux.mean()
    lag = round(period_s / FLUX_HOP_S)
    power = np.dot(flux, flux)
    return float(max(np.dot(flux[:-k], flux[k:]) / power for k in range(lag - 4, lag + 5)))


@pytest.mark.parametrize("voice", VOICES)
def test_the_beat_is_where_it_is_said_to_be(voice: str) -> None:
    config = TuneConfig(voice=voice, drums=1.0, duration_s=8.0)  # type: ignore[arg-type]
    for made in tunes(4, 0, config):
        assert made.voice == voice
        beat_s = 60 / made.tempo_bpm
        assert pulse(made, beat_s) > 0.2 > 0.1 > pulse(made, 1.37 * beat_s)
        flux = onset_flux(made.waveform)
        on = [flux[_near(beat)].max() for beat in made.beats_s[1:-1]]
        off = [flux[_near(beat + 0.29 * beat_s)].max() for beat in made.beats_s[1:-1]]
        assert np.median(on) > 2 * np.median(off)


def _near(time_s: float) -> slice:
    frame = round(time_s / FLUX_HOP_S)
    return slice(max(frame - 6, 0), frame + 7)


def test_the_grid_agrees_with_tempo_and_metre() -> None:
    for made in tunes(6, 1, TuneConfig(voice="own", duration_s=6.0)):
        np.testing.assert_allclose(np.diff(made.beats_s), 60 / made.tempo_bpm)
        np.testing.assert_allclose(np.diff(made.downbeats_s), made.metre * 60 / made.tempo_bpm)
        assert set(made.downbeats_s) <= set(made.beats_s)
        assert 0 <= made.beats_s[0] < 60 / made.tempo_bpm
        assert made.waveform.shape == (96_000,)
        assert np.abs(made.waveform).max() == pytest.approx(0.8, abs=1e-4)
        assert made.chords[0].start_s == made.beats_s[0]
        assert {chord.start_s for chord in made.chords[1:]} <= set(made.downbeats_s)


def test_captions_are_true() -> None:
    for made in tunes(12, 2, TuneConfig(voice="own", duration_s=1.0)):
        assert len(set(made.captions)) == 5
        tempo = "slow" if made.tempo_bpm <= 90 else "fast" if made.tempo_bpm >= 122 else "moderate"
        for caption in made.captions:
            assert all(name in caption.lower() for name in made.instruments)
            assert not {"slow", "fast", "moderate"} - {tempo} & set(caption.lower().split())
            if " beats " in caption:
                assert str(round(made.tempo_bpm)) in caption
            if " in " in caption and (" major" in caption or " minor" in caption):
                assert made.key.split()[-1] in caption


@pytest.mark.parametrize("voice", VOICES)
def test_a_tune_depends_on_seed_and_index_alone(voice: str) -> None:
    config = TuneConfig(voice=voice, duration_s=2.0)  # type: ignore[arg-type]
    *_, last = tunes(3, 5, config)
    again = tune(5, config, index=2)
    np.testing.assert_array_equal(last.waveform, again.waveform)
    assert not np.array_equal(again.waveform, tune(6, config, index=2).waveform)


def test_both_voices_play_the_same_score() -> None:
    own = tune(3, TuneConfig(voice="own", duration_s=2.0))
    auto = tune(3, TuneConfig(voice="auto", duration_s=2.0))
    np.testing.assert_array_equal(own.beats_s, auto.beats_s)
    assert own.captions == auto.captions


def test_without_fluidsynth_auto_is_our_own_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fluidsynth, "find_soundfont", lambda: None)
    assert tune(0, TuneConfig(duration_s=1.0)).voice == "own"
    with pytest.raises(EarShotError, match="voice='own'"):
        tune(0, TuneConfig(duration_s=1.0, voice="fluidsynth"))


@pytest.mark.parametrize(
    "change",
    [
        {"sample_rate": 96_000},
        {"duration_s": 0.5},
        {"tempo_bpm": (150, 100)},
        {"metres": (7,)},
        {"metres": ()},
        {"n_captions": 99},
    ],
)
def test_the_impossible_is_refused(change: dict) -> None:
    with pytest.raises(EarShotError, match="Change that setting"):
        TuneConfig(**change)
