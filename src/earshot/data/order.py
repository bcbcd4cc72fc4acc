"""Which clips stand in which batch: drawn by seed and epoch, near lengths together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.core.seed import generator

MOST_BATCHES_SORTED = 8  # more would save little padding and give a clip the same mates each epoch


@dataclass(frozen=True)
class BatchOrder:
    """The batches of every epoch, as indices of clips; a function of the fields alone.

    With `lengths` the drawn order is cut into runs of a few batches, and each run is sorted by
    length before it is cut into batches, whose order is drawn again: a batch pads little, and
    which clips meet still changes from epoch to epoch.
    """

    n_clips: int
    batch_size: int
    seed: int
    lengths: Sequence[float] | None = None

    @property
    def n_steps(self) -> int:
        """Whole batches in an epoch; a set smaller than a batch is one batch."""
        return max(1, self.n_clips // self.batch_size)

    def epoch(self, epoch: int) -> tuple[list[np.ndarray], np.ndarray]:
        """The whole batches, and the clips left over; every clip occurs once."""
        rng = generator(self.seed, "order", epoch)
        drawn = rng.permutation(self.n_clips)
        size = min(self.batch_size, self.n_clips)
        whole, rest = drawn[: self.n_steps * size], drawn[self.n_steps * size :]
        if self.lengths is None:
            return [whole[i : i + size] for i in range(0, len(whole), size)], rest
        lengths = np.asarray(self.lengths)
        run = size * max(1, min(MOST_BATCHES_SORTED, self.n_steps // 2))
        batches: list[np.ndarray] = []
        for start in range(0, len(whole), run):
            part = whole[start : start + run]
            part = part[np.argsort(lengths[part], kind="stable")]
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        return [batches[i] for i in rng.permutation(len(batches))], rest
