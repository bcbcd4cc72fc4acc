"""Twins in memory: two clips and two captions that differ in order or attribute alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot import metrics
from earshot.data.clip import Clip
from earshot.jobs.evaluation.clips import embed_clips
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.metrics import TWIN_CHANCE

if TYPE_CHECKING:
    from earshot.audio import Audio
    from earshot.jobs.each_file import Pace
    from earshot.models.embedder import Embedder


@dataclass(frozen=True, eq=False)
class TwinItem:
    """Caption i is true of sound i and false of the other."""

    id: str
    sounds: tuple[Audio, Audio]
    captions: tuple[str, str]


def measure_twins(
    items: Iterable[TwinItem], embedder: Embedder, *, data: str, pace: Pace | None = None
) -> Evaluation:
    """Text, audio and group score: the share of items in which every clip is closest to its own
    caption, every caption to its own clip, and both. A tie is a failure.

    Source: arXiv:2310.08753, Sec. 3.
    """
    ids, captions, clips = [], [], []
    for item in items:
        ids.append(item.id)
        captions += item.captions
        clips += [Clip(sound, id=f"{item.id}/{i}") for i, sound in enumerate(item.sounds)]
    found, failures = embed_clips(clips, embedder, pace)
    assert not failures, failures[0].error  # sounds made in memory can be read
    sounds = np.stack([vector for _, vector in found]).reshape(len(ids), 2, -1)
    texts = embedder.embed_texts(captions).reshape(len(ids), 2, -1)
    solved = metrics.twin_scores(texts @ sounds.transpose(0, 2, 1)).solved

    def figures(weights: NDArray[np.float64]) -> dict[str, float]:
        return {name: metrics.weighted_mean(hits, weights) for name, hits in solved.items()}

    return evaluation_of(
        "twins",
        metrics.resample(figures, np.array(ids)),
        embedder,
        data=data,
        n=len(ids),
        items=ids,
        details={"chance": dict(TWIN_CHANCE)},
    )
