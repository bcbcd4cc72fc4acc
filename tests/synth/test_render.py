"""Attributes are obeyed, measurably, by every kind that names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth import AXES, SOUNDS, render_sound
from earshot.synth.render import active_rms
from mel_statistics import onset_count, repeat_rate_hz, spectral_centroid_hz

SEEDS = range(3)


def obeying(axis: str) -> list[str]:
    return [name for name, kind in SOUNDS.items() if axis in kind.attributes]


def ratio(
    name: str, axis: str, measure: Callable[[np.ndarray], float], duration_s: float | None = 2.0
) -> float:
    """Geometric mean over seeds of the measure with the axis' first word over its second."""
    logs = []
    for word in AXES[axis]:
        takes = [
            render_sound(name, attributes={axis: word}, duration_s=duration_s, seed=seed)
            for seed in SEEDS
        ]
        logs.append(np.mean([np.log(measure(take)) for take in takes]))
    return float(np.exp(logs[0] - logs[1]))


def rms(waveform: np.ndarray) -> float:
    return active_rms(waveform, 16_000)


def heard_s(waveform: np.ndarray) -> float:
    where = np.flatnonzero(np.abs(waveform) > 0.01 * np.abs(waveform).max())
    return float(where[-1] - where[0]) / 16_000


def test_every_kind_obeys_loudness_and_distance() -> None:
    assert obeying("loudness") == obeying("distance") == list(SOUNDS)


@pytest.mark.parametrize("name", obeying("loudness"))
def test_loud_is_louder_than_soft(name: str) -> None:
    assert 20 * np.log10(ratio(name, "loudness", rms, 1.0)) == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", obeying("distance"))
def test_far_is_softer_than_near(name: str) -> None:
    assert 20 * np.log10(ratio(name, "distance", rms, 1.0)) > 4


@pytest.mark.parametrize("name", ["white noise", "rain", "hi-hat", "hand saw", "snare drum"])
def test_far_takes_the_treble(name: str) -> None:
    assert ratio(name, "distance", spectral_centroid_hz, 1.0) > 1.2


def test_far_has_a_tail() -> None:
    """A shot that is over at once rings on when it is far."""
    level = {}
    for word in AXES["distance"]:
        shot = render_sound("wood block", attributes={"distance": word}, duration_s=0.3, seed=1)
        level[word] = np.sqrt(np.mean(shot[-1_600:] ** 2)) / np.abs(shot).max()
    assert level["far"] > 2 * level["near"]


@pytest.mark.parametrize("name", obeying("pitch"))
def test_high_is_brighter_than_low(name: str) -> None:
    assert ratio(name, "pitch", spectral_centroid_hz, 1.5) > 1.15


@pytest.mark.parametrize("name", obeying("speed"))
def test_fast_repeats_more_often_than_slow(name: str) -> None:
    """Blows are counted; what swells without blows is measured by its modulation."""
    assert (
        max(ratio(name, "speed", onset_count, 3.0), ratio(name, "speed", repeat_rate_hz, 3.0)) > 1.3
    )


@pytest.mark.parametrize("name", obeying("length"))
def test_long_lasts_longer_than_short(name: str) -> None:
    assert ratio(name, "length", heard_s, None) < 1 / 1.8  # short over long


def test_a_given_duration_is_kept_and_short_leaves_silence() -> None:
    short = render_sound("wind", attributes={"length": "short"}, duration_s=2.0)
    assert len(short) == 32_000
    assert 0.6 < heard_s(short) < 0.9
    assert heard_s(render_sound("wind", duration_s=2.0)) > 1.9


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"kind": "dog"}, "dog bark"),
        ({"attributes": {"volume": "loud"}}, "volume"),
        ({"attributes": {"pitch": "loud"}}, "high, low"),
        ({"kind": "gunshot", "attributes": {"speed": "fast"}}, "loudness, distance"),
        ({"sample_rate": 4_000}, "8000 to 48000 Hz"),
        ({"duration_s": 0.0}, "0.05 to 3600 s"),
    ],
)
def test_faults_are_told(change: dict, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        render_sound(**{"kind": "dog bark", **change})
