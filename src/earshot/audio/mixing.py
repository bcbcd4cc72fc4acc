"""Two sounds in one: one after the other, or both at once at loudnesses that are heard alike."""

from __future__ import annotations

import math

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.loudness import loudness_db

FADE = 0.1  # of the shorter sound
PEAK = 0.5


def concatenate(
    first: np.ndarray, second: np.ndarray, *, fade: float = FADE, peak: float | None = PEAK
) -> np.ndarray:
    """`first` then `second`, both [samples], faded into each other linearly.

    They overlap by the share `fade` of the shorter one. The result is brought to `peak`; with
    peak=None it is left as it is, which never exceeds the louder of the two.
    Source: arXiv:2310.08753, the released code's audio_mix.
    """
    _check(first, second)
    if not 0 <= fade <= 1:
        raise AudioError(
            got=f"fade={fade:g}", expected="a share from 0 to 1", mend="Give 0.1 for a tenth."
        )
    n_fade = round(fade * min(len(first), len(second)))
    rise = np.linspace(0.0, 1.0, n_fade + 2, dtype=np.float32)[1:-1]  # 0 and 1 lie beside it
    start = len(first) - n_fade
    joined = np.empty(start + len(second), dtype=np.float32)
    joined[:start] = first[:start]
    joined[start:] = second
    joined[start : len(first)] = rise[::-1] * first[start:] + rise * second[:n_fade]
    return joined if peak is None else to_peak(joined, peak)


def overlay(
    first: np.ndarray, second: np.ndarray, sample_rate: int, *, ratio: float = 0.5
) -> np.ndarray:
    """`first` and `second`, both [samples], at once; the shorter is repeated to the longer's end.

    `ratio` is the share of the first in what is heard, above 0 and below 1. The sum may pass 1.
    Source: arXiv:2310.08753, the released code's audio_mix.
    """
    _check(first, second)
    n_samples = max(len(first), len(second))
    first, second = tiled(first, n_samples), tiled(second, n_samples)
    return mix_by_loudness(first, second, sample_rate, ratio)


def mix_by_loudness(
    first: np.ndarray, second: np.ndarray, sample_rate: int, ratio: float
) -> np.ndarray:
    """Two waveforms [samples] of one length added so that the first is heard with share `ratio`.

    The shares allow for how loud each is heard, and the energy of uncorrelated sounds is kept.
    Source: arXiv:1711.10282, Sec. 3.2.
    """
    if not 0 < ratio < 1:
        raise AudioError(
            got=f"ratio={ratio:g}", expected="above 0 and below 1", mend="Give 0.5 for halves."
        )
    louder_db = loudness_db(first, sample_rate) - loudness_db(second, sample_rate)
    share = 1 / (1 + 10 ** (louder_db / 20) * (1 - ratio) / ratio)  # p in the paper
    mixed = share * first + (1 - share) * second
    return (mixed / math.hypot(share, 1 - share)).astype(np.float32)


def to_peak(waveform: np.ndarray, peak: float = PEAK) -> np.ndarray:
    """The waveform [samples] with its largest absolute value at `peak`; silence stays silent."""
    largest = float(np.abs(waveform).max(initial=0.0))
    return waveform if not largest else (waveform * np.float32(peak / largest)).astype(np.float32)


def tiled(waveform: np.ndarray, n_samples: int) -> np.ndarray:
    """The waveform [samples] repeated, and cut at `n_samples`."""
    return np.resize(waveform, n_samples)


def _check(first: np.ndarray, second: np.ndarray) -> None:
    """Refuse what cannot be joined."""
    if first.ndim != 1 or second.ndim != 1 or not len(first) or not len(second):
        raise AudioError(
            got=f"waveforms of shapes {list(first.shape)} and {list(second.shape)}",
            expected="two waveforms [samples] of at least one sample",
            mend="Mix down to mono, and leave out empty clips.",
        )
