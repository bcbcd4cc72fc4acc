"""Pairs of recordings of two labels, and the three sounds that each pair makes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.audio.mixing import FADE, concatenate, overlay, tiled, to_peak
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip


@dataclass(frozen=True)
class EventPair:
    """Two recordings, each of one label, and not of the same."""

    first: Clip
    second: Clip


N_VERSIONS = 3  # forward: the first, then the second; reverse; overlap: both at once


def version_of(first: np.ndarray, second: np.ndarray, sample_rate: int, version: int) -> np.ndarray:
    """What two sounds [samples] make: 0 forward, 1 reverse, 2 overlap.

    All versions have one length and one peak, so that neither tells them apart: at once the two are
    heard as loud as each other, and repeated for as long as one after the other lasts.
    """
    if version == 2:
        both = to_peak(overlay(first, second, sample_rate))
        shorter = min(len(first), len(second))
        return tiled(both, len(first) + len(second) - round(FADE * shorter))
    return concatenate(second, first) if version else concatenate(first, second)


def versions_of(first: np.ndarray, second: np.ndarray, sample_rate: int) -> list[np.ndarray]:
    """Forward, reverse and overlap of two sounds [samples]."""
    return [version_of(first, second, sample_rate, version) for version in range(N_VERSIONS)]


def single_label_clips(clips: Sequence[Clip], least: int = 3, *, what: str = "clips") -> list[Clip]:
    """The clips that have exactly one label; refused where these are fewer than `least` labels."""
    kept = [clip for clip in clips if len(set(clip.labels)) == 1]
    labels = {clip.labels[0] for clip in kept}
    if len(labels) < least:
        raise EarShotError(
            got=f"{what} of one label each for {len(labels)} labels",
            expected=f"at least {least}",
            mend="Give a manifest with a label column, or a folder with labels as subfolders.",
        )
    return kept


def draw_pairs(clips: Sequence[Clip], n: int, seed: int) -> list[EventPair]:
    """`n` pairs of clips of two labels; all that there are where these are fewer.

    No two recordings meet twice, every two labels meet about as often as any, and which comes first
    is drawn. The same for the same clips, `n` and `seed`.
    """
    if n < 1:
        raise EarShotError(got=f"{n} pairs", expected="at least 1", mend="Ask for 200.")
    by_label: dict[str, list[Clip]] = {}
    for clip in single_label_clips(clips, least=2):
        by_label.setdefault(clip.labels[0], []).append(clip)
    rng = generator(seed, "event pairs")
    couples = list(itertools.combinations(sorted(by_label), 2))
    chosen = [couples[i] for i in rng.permutation(len(couples))[:n]]
    drawn = []
    for one, other in chosen:
        these, those = by_label[one], by_label[other]
        n_all = len(these) * len(those)
        meetings = rng.choice(n_all, size=min(n, n_all), replace=False).tolist()
        drawn.append([(these[m // len(those)], those[m % len(those)]) for m in meetings])
    rounds = itertools.zip_longest(*drawn)  # one of every couple of labels, then the next
    found = [pair for pairs in rounds for pair in pairs if pair is not None][:n]
    turned = rng.random(len(found)) < 0.5
    return [
        EventPair(*(pair[::-1] if turn else pair)) for pair, turn in zip(found, turned, strict=True)
    ]
