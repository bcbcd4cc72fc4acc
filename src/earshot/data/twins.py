"""Twins: two clips of the same two sounds in both orders, which words of order alone tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earshot.audio.mixing import PEAK, concatenate
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.compositions import CompositionConfig, shares_of
from earshot.data.segments import Segments
from earshot.text.expression import Event, Joined, draw_connectors, read_out, swapped


@dataclass(frozen=True)
class Twins:
    """Two clips of the same two segments at equal gains, in both orders, and their captions.

    `caption` is true of `waveform` and false of `reversed_waveform`, and the other way round.
    """

    waveform: np.ndarray  # [samples]
    caption: str
    reversed_waveform: np.ndarray  # [samples]
    reversed_caption: str
    labels: tuple[str, str]


def draw_twins(n: int, segments: Segments, config: CompositionConfig, seed: int) -> list[Twins]:
    """`n` pairs "A then B" and "B then A", each of the same two segments at equal gains.

    Labels are distinct, each caption pair has its own word for "then", and neither loudness nor
    length tells the two clips apart. Source: arXiv:2310.08753, CompA-order.
    """
    need_two_labels(segments)
    return [_twins(segments, config, generator(seed, i, "twins")) for i in range(n)]


def need_two_labels(segments: Segments) -> Segments:
    """The segments as they are; an EarShotError when they are of one kind only."""
    if len(segments.labels) < 2:
        raise EarShotError(
            got=f"clips of one label, {segments.labels[0]!r}",
            expected="two labels or more",
            mend="Twins need two kinds of sound: add clips with other labels.",
        )
    return segments


def _twins(segments: Segments, config: CompositionConfig, rng: np.random.Generator) -> Twins:
    first, second = (segments.labels[int(i)] for i in rng.permutation(len(segments.labels))[:2])
    words = draw_connectors(rng)
    rate = segments.sample_rate
    if config.clip_s is None:
        length = max(1, round(float(rng.uniform(*config.segment_s)) * rate))
    else:
        length = shares_of(round(config.clip_s * rate), 0.5)[0]
    sounds = [segments.draw(label, length, rng, fill=True) for label in (first, second)]
    largest = max(float(np.abs(sound).max()) for sound in sounds)
    gain = np.float32(PEAK / largest) if largest else np.float32(1.0)
    one, other = (sound * gain for sound in sounds)  # fading raises no peak: equal gains stay equal
    order = Joined("+", Event(first), Event(second))
    return Twins(
        waveform=concatenate(one, other, peak=None),
        caption=read_out(order, words),
        reversed_waveform=concatenate(other, one, peak=None),
        reversed_caption=read_out(swapped(order), words),
        labels=(first, second),
    )
