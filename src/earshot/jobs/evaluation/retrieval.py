"""Retrieval: how well a model finds sounds by captions, and captions by sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot import metrics
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.metrics import Retrieval

if TYPE_CHECKING:
    from earshot.jobs.evaluation.clips import HeardClips
    from earshot.models.embedder import Embedder


def measure_retrieval(heard: HeardClips, embedder: Embedder) -> Evaluation:
    """R@1, R@5, R@10, median rank, MRR, mAP@10 and nDCG@10 in both directions.

    Every caption of a clip is a query, and a right answer. Draws are of clips with all their
    captions, as queries; the clips and captions to be searched stay the same.
    """
    captions = [caption for clip in heard.clips for caption in clip.captions]
    owner = np.repeat(np.arange(len(heard.clips)), [len(clip.captions) for clip in heard.clips])
    similarity = embedder.embed_texts(captions) @ heard.sounds.T  # [captions, clips]
    directions = {
        "text_to_audio": metrics.text_to_audio(similarity, owner),
        "audio_to_text": metrics.audio_to_text(similarity, owner),
    }

    def figures(weights: NDArray[np.float64]) -> dict[str, float]:
        return {
            f"{direction}/{name}": value
            for direction, found in directions.items()
            for name, value in _weighted(found, weights[found.query_clip]).items()
        }

    return evaluation_of(
        "retrieval",
        metrics.resample(figures, heard.groups),
        embedder,
        data=heard.name,
        n=len(heard.clips),
        items=heard.ids,
        details={"n_captions": len(captions)},
        failures=heard.failures,
    )


def _weighted(found: Retrieval, weights: NDArray[np.float64]) -> dict[str, float]:
    """The figures of queries that count as often as `weights` [queries] says."""
    means = {
        name: metrics.weighted_mean(values, weights)
        for name, values in found.per_query.items()
        if name != "rank"
    }
    return means | {"median_rank": metrics.weighted_median(found.per_query["rank"], weights)}
