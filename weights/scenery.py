"""Procedural scenes as log-mels in memory, told anew at every use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earshot.core.seed import generator
from earshot.synth import SOUNDS, SceneConfig, make_scene, order_pairs
from earshot.synth.captions import THEN as SYNTH_THEN
from earshot.synth.captions import fill
from earshot.synth.phrases import word
from phrases import THEN
from sounds import RATE, Hearing

LENGTHS_S = (2.5, 4.0, 4.9, 8.0, 9.8)


@dataclass(frozen=True)
class Scenery:
    """One procedural scene: two kinds in order, or captions that came with it."""

    log_mel: np.ndarray  # [n_mels, frames] float16, dB
    order: tuple[str, str] | None  # kinds, first and second; None: see captions
    captions: tuple[str, ...]


def scenery(seed: int, n_pairs: int = 400, n_free: int = 400) -> Iterator[Scenery]:
    """n_pairs times "A then B" with its twin "B then A", and n_free scenes of any shape."""
    hearing = Hearing()
    for index in range(n_pairs):
        config = SceneConfig(sample_rate=RATE, duration_s=LENGTHS_S[index % len(LENGTHS_S)])
        pair = next(iter(order_pairs(1, seed * 100_000 + index, config)))
        for scene in (pair.scene, pair.swapped_scene):
            first, second = (event.kind for event in scene.events)
            yield Scenery(hearing.log_mel(scene.waveform), (first, second), ())
    for index in range(n_free):
        config = SceneConfig(sample_rate=RATE, duration_s=LENGTHS_S[index % len(LENGTHS_S)])
        scene = make_scene(seed, config, index)
        yield Scenery(hearing.log_mel(scene.waveform), None, scene.captions)


def told(scene: Scenery, rng: np.random.Generator) -> tuple[str, str | None]:
    """A true caption, and one with the order turned where the scene has one; in lower case."""
    if scene.order is None:
        return scene.captions[rng.integers(len(scene.captions))].lower(), None
    return ordered(scene.order, rng)


def ordered(kinds: tuple[str, str], rng: np.random.Generator) -> tuple[str, str]:
    """Two procedural kinds told in their order, and turned, in the same words; in lower case."""
    wordings = [word(SOUNDS[kind], {}, rng) for kind in kinds]
    if rng.random() < 0.6:
        template = SYNTH_THEN[rng.integers(len(SYNTH_THEN))]
        tell = [fill(template, [[first], [second]]) for first, second in both_ways(wordings)]
    else:
        template = THEN[rng.integers(len(THEN))]
        form = ("noun", "participle")[rng.integers(2)]
        tell = [
            template.format(a=getattr(first, form), b=getattr(second, form))
            for first, second in both_ways(wordings)
        ]
    return tell[0].lower(), tell[1].lower()


def both_ways(two: list) -> tuple[tuple, tuple]:
    """The two, and the two turned."""
    first, second = two
    return (first, second), (second, first)


def order_accuracy_clips(seed: int, n: int) -> Iterator[tuple[np.ndarray, np.ndarray, str, str]]:
    """n twins as (log-mel, log-mel of the twin, caption, caption of the twin)."""
    hearing = Hearing()
    for pair in order_pairs(n, seed, SceneConfig(sample_rate=RATE, duration_s=5.0)):
        yield (
            hearing.log_mel(pair.scene.waveform), hearing.log_mel(pair.swapped_scene.waveform),
            pair.caption, pair.swapped_caption,
        )  # fmt: skip


__all__ = ["LENGTHS_S", "Scenery", "generator", "order_accuracy_clips", "scenery", "told"]
