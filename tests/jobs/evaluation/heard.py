"""Clips whose vectors are given: what a task makes of them can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.data import Clip
from earshot.jobs.evaluation.clips import HeardClips


class Words:
    """An embedder of texts alone: a word is a basis vector, sounds come as vectors."""

    name, fingerprint = "words", "77" * 8

    def __init__(self, labels: Sequence[str], dim: int) -> None:
        self.labels, self.dim = list(labels), dim

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[[i for i, label in enumerate(self.labels) if label in text]] = 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def blobs(
    labels: Sequence[str],
    n_recordings: int = 12,
    *,
    clips_each: int = 2,
    dim: int = 8,
    noise: float = 0.3,
    seed: int = 0,
    own_folds: bool = False,
) -> HeardClips:
    """Each label around its own basis vector; clips of one recording lie close together."""
    rng = np.random.default_rng(seed)
    clips, rows = [], []
    for i, label in enumerate(labels):
        for recording in range(n_recordings):
            centre = np.eye(dim)[i] + noise * rng.normal(size=dim)
            for take in range(clips_each):
                name = f"{label}-{recording}"
                clips.append(
                    Clip(
                        audio=None,  # type: ignore[arg-type]  # nobody reads it
                        labels=(label,),
                        id=f"{name}-{take}",
                        group=name,
                        split="test" if recording % 4 == 0 else "train",
                        extra={"fold": recording % 3} if own_folds else {},
                    )
                )
                rows.append(centre + 0.01 * rng.normal(size=dim))
    return heard_of(clips, np.array(rows))


def heard_of(clips: list[Clip], rows: np.ndarray) -> HeardClips:
    """Clips with the vectors given, made unit length."""
    sounds = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    groups = np.array([clip.group or clip.id for clip in clips])
    return HeardClips("blobs", clips, sounds.astype(np.float32), groups, [])
