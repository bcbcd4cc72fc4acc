"""Two clips in one at a drawn relative level: the sound that belongs to a mixed caption."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from earshot.audio.errors import AudioError

Compat = Literal["", "released"]


@dataclass(frozen=True)
class MixLevels:
    """How loud two sounds stand to each other in a mixture. Source: arXiv:2309.17352, its code."""

    level_db: tuple[float, float] = (-5.0, 5.0)  # of the first over the second, drawn evenly
    peak_db: tuple[float, float] | None = None  # instead of energies: the first's peak, dBFS
    compat: Compat = ""  # "released": the level turned round where the second is longer, a bug

    def __post_init__(self) -> None:
        pairs = [self.level_db] if self.peak_db is None else [self.level_db, self.peak_db]
        if any(not -100.0 <= low <= high <= 100.0 for low, high in pairs):
            raise AudioError(
                got=f"level_db={self.level_db}, peak_db={self.peak_db}",
                expected="the lowest and the highest, in dB",
                mend="The paper's are (-5, 5), and (-12, -5) for peaks.",
            )
        if self.compat not in ("", "released"):
            raise AudioError(
                got=f"compat={self.compat!r}", expected="'' or 'released'", mend="Leave it out."
            )


def draw_mixture(
    first: np.ndarray, second: np.ndarray, levels: MixLevels, rng: np.random.Generator
) -> np.ndarray:
    """`first` and `second`, both [samples], at a level and place drawn from `rng`; the longer long.

    The sum may pass 1, as in the released code.
    """
    level_db, base, place = rng.uniform(*levels.level_db), rng.random(), rng.random()
    if levels.peak_db is None:
        return mix_at_level(first, second, level_db, place=place, compat=levels.compat)
    low, high = levels.peak_db
    return mix_at_peaks(first, second, low + base * (high - low), level_db, place=place)


def mix_at_level(
    first: np.ndarray,
    second: np.ndarray,
    level_db: float,
    *,
    place: float = 0.0,
    compat: Compat = "",
) -> np.ndarray:
    """The sum where the first has `level_db` more mean power than the second, each over its length.

    The longer sound is heard whole; the shorter begins in it at `place`, from 0 for its start to
    just below 1 for the latest that fits. The first keeps its level, the second is scaled; silence
    stays as it is. With compat="released" the scale meant for the second goes to the first where
    the second is longer: the level is then off by twice what was asked for and the difference of
    the two, a bug of the released code. Source: arXiv:2309.17352, released code.
    """
    _check(first, second, place)
    power = [float(np.mean(np.square(each, dtype=np.float64))) for each in (first, second)]
    scale = math.sqrt(power[0] / (10 ** (level_db / 10) * power[1])) if min(power) > 0 else 1.0
    if compat == "released" and len(second) >= len(first):
        return _lay(second, first * scale, place)
    return _lay(first, second * scale, place)


def mix_at_peaks(
    first: np.ndarray,
    second: np.ndarray,
    peak_db: float,
    level_db: float,
    *,
    place: float = 0.0,
) -> np.ndarray:
    """The sum where the first's peak is at `peak_db` dBFS and the second's `level_db` above that.

    `place` as in `mix_at_level`. Source: arXiv:2309.17352, released code (do_mixup_normalize).
    """
    _check(first, second, place)
    aims = (10 ** (peak_db / 20), 10 ** ((peak_db + level_db) / 20))
    scaled = []
    for waveform, aim in zip((first, second), aims, strict=True):
        peak = float(np.abs(waveform).max())
        scaled.append(waveform * (aim / peak if peak else 1.0))
    return _lay(scaled[0], scaled[1], place)


def _lay(one: np.ndarray, other: np.ndarray, place: float) -> np.ndarray:
    """The shorter added into the longer."""
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    start = int(place * (len(longer) - len(shorter) + 1))
    mixed = np.array(longer, dtype=np.float32)
    mixed[start : start + len(shorter)] += shorter.astype(np.float32)
    return mixed


def _check(first: np.ndarray, second: np.ndarray, place: float) -> None:
    """Refuse what cannot be added."""
    if first.ndim != 1 or second.ndim != 1 or not len(first) or not len(second):
        raise AudioError(
            got=f"waveforms of shapes {list(first.shape)} and {list(second.shape)}",
            expected="two waveforms [samples] of at least one sample",
            mend="Mix down to mono, and leave out empty clips.",
        )
    if not 0 <= place < 1:
        raise AudioError(
            got=f"place={place:g}", expected="from 0 to below 1", mend="0 begins both at once."
        )
