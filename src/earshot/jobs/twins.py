"""Evaluate a model on twin pairs: does it hear which came first, and who did what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot import metrics
from earshot.core.errors import EarShotError
from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Pace
from earshot.jobs.evaluation.clips import embed_clips
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.jobs.loading import as_embedder
from earshot.metrics import Resampled

if TYPE_CHECKING:
    from earshot.data.twin_table import TwinRow
    from earshot.models.embedder import Embedder


def evaluate_twins(
    data: str | Path,
    audio_folder: str | Path | None = None,
    *,
    model: str | Path | Embedder = "earshot-small",
    pace: Pace | None = None,
) -> Evaluation:
    """Text, audio and group score of `model` on a table of twins such as CompA-order's.

    `data` is the table, `audio_folder` the folder of its sounds (the table's own where left out).
    text: both sounds are closer to their own caption than to the other's; audio: both captions are
    closer to their own sound; group: both. Ties are failures. Items with a third caption and sound
    count among the pairs by their first two, as the released evaluator has it, and have scores of
    their own (`triple_text` and so on: all three right). Chance stands in `details`. Rows that
    cannot be used and sounds that cannot be read are listed in `failures`: the figures are of the
    `n` other pairs. Source: arXiv:2310.08753, Sec. 3.
    """
    from earshot.data import Clip, ClipSet
    from earshot.data.twin_table import read_twin_table

    embedder = as_embedder(model)
    table = read_twin_table(Path(data), None if audio_folder is None else Path(audio_folder))
    files = dict.fromkeys(file for row in table.rows for file in row.files)
    pace = pace or Pace()
    pace.start()
    found, unread = embed_clips([Clip(file, id=str(file)) for file in files], embedder, pace)
    sounds = {clip.id: vector for clip, vector in found}
    rows = [row for row in table.rows if all(str(file) in sounds for file in row.files)]
    if not rows:
        raise EarShotError(
            got=f"{table.name}, of which no pair could be heard: {unread[0].error}",
            expected="sounds that can be read",
            mend="See what is wrong with them: earshot check.",
        )
    found_scores, details = _scores(rows, sounds, embedder)
    return evaluation_of(
        "twins",
        found_scores,
        embedder,
        data=table.name,
        n=len(rows),
        items=[f"line {row.line}" for row in rows],
        details=details,
        failures=[*row_failures(ClipSet([], faults=table.faults)), *unread],
    )


def _scores(
    rows: list[TwinRow], sounds: dict[str, np.ndarray], embedder: Embedder
) -> tuple[Resampled, dict[str, Any]]:
    """Figures with their draws, and details, of pairs and of triples where there are any."""
    texts = list(dict.fromkeys(caption for row in rows for caption in row.captions))
    words = dict(zip(texts, embedder.embed_texts(texts), strict=True))

    def similarity(items: Iterable[TwinRow], n: int) -> np.ndarray:
        """[items, captions, sounds]"""
        return np.stack(
            [
                np.stack([words[caption] for caption in item.captions[:n]])
                @ np.stack([sounds[str(file)] for file in item.files[:n]]).T
                for item in items
            ]
        )

    triples = [row for row in rows if len(row.files) == 3]
    is_triple = np.array([len(row.files) == 3 for row in rows])
    scored = {"": metrics.twin_scores(similarity(rows, 2))}
    chance = dict(metrics.TWIN_CHANCE)
    if triples:
        scored["triple_"] = metrics.twin_scores(similarity(triples, 3))
        chance |= {f"triple_{name}": value for name, value in metrics.TRIPLE_CHANCE.items()}

    def figures(weights: np.ndarray) -> dict[str, float]:
        return {
            f"{prefix}{name}": metrics.weighted_mean(
                hits, weights[is_triple] if prefix else weights
            )
            for prefix, scores in scored.items()
            for name, hits in scores.solved.items()
        }

    found = metrics.resample(figures, np.arange(len(rows)))
    return found, {"chance": chance, "n_triples": len(triples)}
