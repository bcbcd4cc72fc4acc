from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import AudioError
from earshot.audio.level_mixing import MixLevels, draw_mixture, mix_at_level, mix_at_peaks


def noise(n: int, level: float, seed: int) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def level_db(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(one**2) / np.mean(other**2)))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    st.integers(10, 200), st.integers(10, 200), st.floats(-20, 20), st.floats(0, 0.999),
    st.floats(0.01, 1), st.floats(0.01, 1),
)  # fmt: skip
def test_the_first_has_so_many_db_more_whichever_is_longer(
    n: int, m: int, db: float, place: float, loud: float, soft: float
) -> None:
    first, second = noise(n, loud, 0), noise(m, soft, 1)
    mixed = mix_at_level(first, second, db, place=place)
    assert len(mixed) == max(n, m)
    alone = mix_at_level(first, np.zeros(m, np.float32), db, place=place)
    assert level_db(first, (mixed - alone)[mixed != alone]) == pytest.approx(db, abs=0.05)
    start = int(place * (abs(n - m) + 1))
    longer, shorter = (first, second) if n > m else (second, first)
    where = np.flatnonzero(mixed != (alone if longer is first else alone * 0))
    assert (where >= (start if longer is first else 0)).all()
    if longer is first:
        assert np.array_equal(mixed[:start], first[:start])
        assert np.array_equal(mixed[start + len(shorter) :], first[start + len(shorter) :])


def test_the_released_code_s_bug_turns_the_level_round_where_the_second_is_longer() -> None:
    first, second = noise(400, 0.1, 0), noise(1_000, 0.1, 1)
    bug = mix_at_level(first, second, 5.0, compat="released")
    added = (bug - second)[:400]
    assert level_db(added, second) == pytest.approx(
        -5.0 + 2 * level_db(first, second), abs=0.01
    )  # the first is softer where it was to be louder
    same = mix_at_level(second, first, 5.0)
    assert np.array_equal(mix_at_level(second, first, 5.0, compat="released"), same)


def test_silence_stays_and_peaks_are_what_was_asked_for() -> None:
    first, silent = noise(100, 0.1, 0), np.zeros(50, np.float32)
    assert np.array_equal(mix_at_level(first, silent, 3.0), first)
    assert np.array_equal(mix_at_level(silent, first, 3.0), first)
    both = mix_at_peaks(first, silent, -6.0, 4.0)
    assert 20 * np.log10(np.abs(both).max()) == pytest.approx(-6.0, abs=1e-4)
    other = mix_at_peaks(silent, first, -6.0, 4.0)
    assert 20 * np.log10(np.abs(other).max()) == pytest.approx(-2.0, abs=1e-4)


def test_draws_keep_to_their_range_and_hang_on_the_generator_alone() -> None:
    first, second = noise(500, 0.3, 0), noise(300, 0.01, 1)
    found = []
    for seed in range(40):
        mixed = draw_mixture(first, second, MixLevels(), np.random.default_rng(seed))
        assert np.array_equal(
            mixed, draw_mixture(first, second, MixLevels(), np.random.default_rng(seed))
        )
        added = mixed - first
        found.append(level_db(first, added[added != 0]))
    assert -5.1 < min(found) < -3
    assert 3 < max(found) < 5.1
    levels = MixLevels(peak_db=(-12.0, -12.0), level_db=(0.0, 0.0))
    mixed = draw_mixture(first, np.zeros(9, np.float32), levels, np.random.default_rng(0))
    assert 20 * np.log10(np.abs(mixed).max()) == pytest.approx(-12.0, abs=1e-4)


def test_what_cannot_be_mixed_is_refused() -> None:
    one = noise(10, 0.1, 0)
    with pytest.raises(AudioError, match="leave out empty clips"):
        mix_at_level(one, one[:0], 0.0)
    with pytest.raises(AudioError, match="begins both at once"):
        mix_at_level(one, one, 0.0, place=1.0)
    with pytest.raises(AudioError, match="The paper's are"):
        MixLevels(level_db=(5.0, -5.0))
    with pytest.raises(AudioError, match="Leave it out"):
        MixLevels(compat="old")  # type: ignore[arg-type]
