"""Composed clips: sounds of labelled clips joined by expressions, with captions true and false."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.audio.mixing import FADE, concatenate, overlay, to_peak
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.segments import Segments
from earshot.text.expression import (
    Event,
    Expression,
    Joined,
    Normal,
    draw_connectors,
    events,
    negatives,
    normal_form,
    positives,
    read_out,
)


@dataclass(frozen=True)
class CompositionConfig:
    """How clips are composed. Source: arXiv:2310.08753, Sec. 4 and the released code."""

    n_events: tuple[float, ...] = (0.0, 0.3, 0.6, 0.1)  # how often one has 1, 2, 3, 4 events
    segment_s: tuple[float, float] = (1.0, 9.5)  # seconds of each event's sound
    clip_s: float | None = None  # all clips this long instead, their events sharing it evenly
    distinct: bool = True  # no label twice in a clip, where there are enough
    max_positives: int = 5
    max_negatives: int = 5
    n_distinct: int | None = None  # the stream begins again after so many; None: never

    def __post_init__(self) -> None:
        low, high = self.segment_s
        for wrong, got, expected in (
            (not self.n_events or min(self.n_events) < 0 or not 0 < sum(self.n_events) < math.inf,
             f"n_events={list(self.n_events)}", "shares of 1, 2, ... events, one above 0"),
            (not 0 < low <= high, f"segment_s={low:g}, {high:g}", "the shortest and the longest"),
            (self.clip_s is not None and not self.clip_s > 0, f"clip_s={self.clip_s}", "above 0"),
            (min(self.max_positives, self.max_negatives) < 0,
             f"{self.max_positives} positives, {self.max_negatives} negatives", "0 or more"),
            (self.n_distinct is not None and self.n_distinct < 1,
             f"n_distinct={self.n_distinct}", "1 or more, or none"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @property
    def longest_s(self) -> float:
        """The longest sound of one event."""
        return self.segment_s[1] if self.clip_s is None else self.clip_s


@dataclass(frozen=True)
class Composition:
    """One composed clip, and what may be said of it."""

    waveform: np.ndarray  # [samples], its peak at 0.5
    expression: Expression
    caption: str  # the whole expression
    positives: tuple[str, ...]  # true of a part of it
    negatives: tuple[str, ...]  # false

    @property
    def labels(self) -> tuple[str, ...]:
        """The events, in the order of the expression."""
        return tuple(events(self.expression))


def compose(segments: Segments, config: CompositionConfig, rng: np.random.Generator) -> Composition:
    """A clip drawn from `rng`: its expression, the sounds of its events, and its captions.

    All its captions share their words for + and for *, so that only what they say tells them apart.
    """
    shares = np.array(config.n_events) / sum(config.n_events)
    expression = draw_expression(
        int(rng.choice(len(shares), p=shares)) + 1, segments.labels, rng, distinct=config.distinct
    )
    connectors = draw_connectors(rng)
    waveform = render(expression, segments, config, rng)
    true = [read_out(each, connectors) for each in positives(expression)]
    caption = read_out(expression, connectors)
    false = [read_out(each, connectors) for each in negatives(expression)]
    false = [each for each in false if each not in (caption, *true)]
    return Composition(
        waveform=to_peak(waveform),
        expression=expression,
        caption=caption,
        positives=_some(true, config.max_positives, rng),
        negatives=_some(false, config.max_negatives, rng),
    )


def draw_expression(
    n_events: int, labels: Sequence[str], rng: np.random.Generator, *, distinct: bool = True
) -> Expression:
    """A random tree over `n_events` drawn labels: each join is + or * with equal chance."""
    once = distinct and n_events <= len(labels)
    chosen = rng.choice(len(labels), n_events, replace=not once)
    parts: list[Expression] = [Event(labels[int(i)]) for i in chosen]
    while len(parts) > 1:
        at = int(rng.integers(len(parts) - 1))
        joined = Joined("+" if rng.random() < 0.5 else "*", parts[at], parts[at + 1])
        parts[at : at + 2] = [joined]
    return parts[0]


def render(
    expression: Expression,
    segments: Segments,
    config: CompositionConfig,
    rng: np.random.Generator,
) -> np.ndarray:
    """The sound [samples] of an expression; its events' sounds are drawn from `rng`."""
    rate = segments.sample_rate
    if config.clip_s is not None:
        return _render_within(expression, segments, round(config.clip_s * rate), rng)
    if isinstance(expression, Event):
        seconds = float(rng.uniform(*config.segment_s))
        return segments.draw(expression.label, max(1, round(seconds * rate)), rng)
    left, right = (render(s, segments, config, rng) for s in (expression.left, expression.right))
    return concatenate(left, right) if expression.operator == "+" else overlay(left, right, rate)


def _render_within(
    expression: Expression, segments: Segments, n_samples: int, rng: np.random.Generator
) -> np.ndarray:
    """The sound of an expression in exactly `n_samples`: what comes in turn shares them evenly."""
    if isinstance(expression, Event):
        return segments.draw(expression.label, n_samples, rng, fill=True)
    if expression.operator == "*":
        left = _render_within(expression.left, segments, n_samples, rng)
        right = _render_within(expression.right, segments, n_samples, rng)
        return overlay(left, right, segments.sample_rate)
    n_left, n_right = len(events(expression.left)), len(events(expression.right))
    first, second = shares_of(n_samples, n_left / (n_left + n_right))
    return concatenate(
        _render_within(expression.left, segments, first, rng),
        _render_within(expression.right, segments, second, rng),
    )


def shares_of(n_samples: int, share: float) -> tuple[int, int]:
    """Lengths of two sounds, the first with `share` of both, that fade into `n_samples` in all."""
    small = min(share, 1 - share)
    both = n_samples / (1 - FADE * small)
    shorter = max(1, round(both * small))
    longer = max(1, n_samples - shorter + round(FADE * shorter))
    return (shorter, longer) if share <= 0.5 else (longer, shorter)


def compose_distinct(
    n: int, segments: Segments, config: CompositionConfig, seed: int
) -> list[Composition]:
    """`n` compositions that all say something else, or as many as 20 * n draws give.

    No caption is then true of two of them, as a test of retrieval needs it.
    """
    found: dict[Normal, Composition] = {}
    for turn in range(20 * n):
        if len(found) == n:
            break
        made = compose(segments, config, generator(seed, turn, "distinct compositions"))
        found.setdefault(normal_form(made.expression), made)
    return list(found.values())


def _some(texts: Sequence[str], n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`n` of the texts at most, drawn, in their order."""
    texts = list(dict.fromkeys(texts))
    if len(texts) <= n:
        return tuple(texts)
    return tuple(texts[i] for i in sorted(rng.choice(len(texts), n, replace=False)))
