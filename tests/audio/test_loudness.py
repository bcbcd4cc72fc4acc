from __future__ import annotations

import numpy as np
import pytest

from earshot.audio.loudness import a_weighting, loudness_db

RATE = 16_000  # Hz


def test_a_weighting_has_the_values_of_the_standard() -> None:
    # IEC 61672-1, table of frequency weightings: tenths of decades, and dB.
    table = {15: -39.4, 20: -19.1, 24: -8.6, 27: -3.2, 30: 0.0, 33: 1.2, 39: -1.1, 43: -9.3}
    found = 10 * np.log10(a_weighting(10 ** (np.array(list(table)) / 10)))
    np.testing.assert_allclose(found, list(table.values()), atol=0.1)
    assert a_weighting(np.zeros(1)) == 0.0


def test_loudness_is_that_of_the_loudest_moment() -> None:
    time = np.arange(RATE) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 1_000 * time)).astype(np.float32)
    burst = np.where((time > 0.4) & (time < 0.7), tone, 0).astype(np.float32)
    assert loudness_db(burst, RATE) == pytest.approx(loudness_db(tone, RATE), abs=0.1)
    assert loudness_db(10 * tone, RATE) == pytest.approx(loudness_db(tone, RATE) + 20, abs=0.01)
    low = (0.1 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)
    assert loudness_db(low, RATE) == pytest.approx(loudness_db(tone, RATE) - 19.1, abs=0.5)
    assert loudness_db(np.zeros(100, np.float32), RATE) == -80.0
    assert loudness_db(tone[:50], RATE) < loudness_db(tone, RATE)  # shorter than a frame
