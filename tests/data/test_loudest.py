from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio, AudioError, write_audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.data.loudest import loudest_part, loudest_parts, loudest_start, read_loudest

RATE = 8_000


def burst(at_s: float, total_s: float = 3.0, length_s: float = 0.5) -> np.ndarray:
    waveform = np.full(round(total_s * RATE), 0.001, np.float32)
    start = round(at_s * RATE)
    waveform[start : start + round(length_s * RATE)] = 0.5
    return waveform


@pytest.mark.parametrize("at_s", [0.0, 0.7, 2.5])
def test_the_burst_is_found(at_s: float) -> None:
    found = loudest_start(burst(at_s), RATE // 2, RATE // 20)
    assert found == pytest.approx(at_s * RATE, abs=RATE // 20)


def test_a_shorter_sound_stays_whole_and_silence_begins_at_its_start() -> None:
    assert loudest_start(np.ones(10, np.float32), 20, 1) == 0
    assert loudest_start(np.zeros(100, np.float32), 20, 1) == 0
    short = Clip(Audio(burst(0.1, total_s=0.6), RATE), id="short")
    assert loudest_part(short, 1.0) is short
    assert len(read_loudest(short, 1.0, RATE)) == round(0.6 * RATE)


def test_an_excerpt_reads_as_the_loudest_part(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", burst(1.2), RATE)
    clip = Clip(tmp_path / "a.wav", labels=("dog",), start_s=0.5)
    part = loudest_part(clip, 0.5)
    assert part.start_s == pytest.approx(1.2, abs=0.05)
    assert part.labels == ("dog",)
    heard = part.read(sample_rate=RATE).waveform
    np.testing.assert_allclose(heard, read_loudest(clip, 0.5, RATE), atol=1e-4)
    assert np.sqrt(np.mean(heard**2)) > 0.45


def test_what_cannot_be_read_stays_for_its_reader_to_report(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    bad = Clip(tmp_path / "bad.wav", labels=("dog",))
    assert list(loudest_parts(ClipSet([bad]), 1.0)) == [bad]
    with pytest.raises(AudioError):
        read_loudest(bad, 1.0, RATE)
    with pytest.raises(EarShotError, match=r"Give 1\.5"):
        loudest_part(bad, 0.0)
