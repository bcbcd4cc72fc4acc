"""Telling labels apart that no training clip had: by words, and by a few examples."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import Clip
from earshot.training.logistic import fit_linear

Array = NDArray[np.floating]
N_DRAWS = 10  # of the examples
MOST_GROUPS = 200  # of labels that are told from each other
PENALTY = 1.0  # of squared weights in the linear probe


@dataclass(frozen=True)
class Unseen:
    """Vectors of clips [clips, dim], the place of each one's label, and its recording."""

    vectors: Array
    target: NDArray[np.int64]
    recordings: NDArray[np.int64]

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return int(self.target.max()) + 1

    @property
    def fewest_recordings(self) -> int:
        """Of any label."""
        return min(
            len(set(self.recordings[self.target == label].tolist()))
            for label in range(self.n_labels)
        )


def unseen_of(vectors: Array, clips: Sequence[Clip], labels: Sequence[str]) -> Unseen:
    """Clips of one label each; those of one `group` are of one recording."""
    groups: dict[str, int] = {}
    names = [clip.group or f"\n{i}" for i, clip in enumerate(clips)]
    return Unseen(
        vectors,
        np.array([list(labels).index(clip.labels[0]) for clip in clips]),
        np.array([groups.setdefault(name, len(groups)) for name in names]),
    )


def named_among(
    scores: Array, target: NDArray[np.int64], n_ways: int, seed: int = 0
) -> float:  # fmt: skip
    """The share of clips named rightly among `n_ways` labels; chance is 1 / n_ways.

    scores [clips, labels]. It is the mean over all groups of `n_ways` labels, or over MOST_GROUPS
    drawn ones where there are more, each label of a group weighing the same. Equal scores share
    the hit, so that what tells nothing apart is worth chance.
    """
    n_labels = scores.shape[1]
    groups = list(itertools.combinations(range(n_labels), n_ways))
    if len(groups) > MOST_GROUPS:
        drawn = generator(seed, "groups of labels").permutation(len(groups))[:MOST_GROUPS]
        groups = [groups[int(i)] for i in drawn]
    hits = []
    for group in groups:
        part = scores[:, group]
        best = part == part.max(1, keepdims=True)
        share = best / best.sum(1, keepdims=True)
        hits.append(np.mean([share[target == label, i].mean() for i, label in enumerate(group)]))
    return float(np.mean(hits))


def few_shot_figures(
    unseen: Unseen, shots: Sequence[int], n_ways: int, seed: int
) -> dict[str, float]:
    """`shot_K` by the nearest mean of K examples a label, `probe_K` by a linear probe of them.

    Examples are of K recordings; clips of these recordings are not named. Means over N_DRAWS draws
    of the examples.
    """
    vectors = unseen.vectors / np.maximum(
        np.linalg.norm(unseen.vectors, axis=1, keepdims=True), 1e-12
    )
    found: dict[str, list[float]] = {}
    for k in shots:
        for turn in range(N_DRAWS):
            chosen, rest = _draw(unseen, k, generator(seed, turn, f"{k} examples"))
            means = vectors[chosen].mean(1)  # [labels, dim]
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
            examples = vectors[chosen].reshape(-1, vectors.shape[1]).astype(np.float64)
            hot = np.eye(unseen.n_labels)[np.repeat(np.arange(unseen.n_labels), k)]
            probe = fit_linear(examples, hot, PENALTY)
            target = unseen.target[rest]
            for name, scores in (
                (f"shot_{k}", vectors[rest] @ means.T),
                (f"probe_{k}", probe.scores(vectors[rest])),
            ):
                found.setdefault(name, []).append(named_among(scores, target, n_ways, seed))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _draw(
    unseen: Unseen, k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the examples [labels, k], one a recording, and of clips of other recordings."""
    chosen = np.zeros((unseen.n_labels, k), np.int64)
    for label in range(unseen.n_labels):
        rows = rng.permutation(np.flatnonzero(unseen.target == label))
        _, first = np.unique(unseen.recordings[rows], return_index=True)
        if len(first) <= k:
            raise EarShotError(
                got=f"{len(first)} recordings of a held-out label for {k} examples",
                expected=f"at least {k + 1}: one must be left to be named",
                mend="Add clips of it, or ask for fewer shots.",
            )
        chosen[label] = rows[np.sort(first)[:k]]
    used = np.isin(unseen.recordings, unseen.recordings[chosen.ravel()])
    return chosen, np.flatnonzero(~used)
