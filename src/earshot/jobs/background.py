"""What a label's cosine means here: how it compares with the user's own sounds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.urls import is_url
from earshot.index import Store, find_index
from earshot.index.scores import ENOUGH, EXPECTED_BY_CHANCE, Background

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


class OwnSounds:
    """The sounds of an index, one unit vector each: the background that labels are held against."""

    def __init__(self, store: Store) -> None:
        rows = store.background()
        if not len(rows.vectors):
            self.vectors: NDArray[np.float32] = rows.vectors
            return
        first = np.flatnonzero(np.diff(rows.file_of_row, prepend=-1))
        sums = np.add.reduceat(rows.vectors.astype(np.float64), first, axis=0)
        lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        self.vectors = (sums / lengths).astype(np.float32)  # [files, dim], as tag sees a file

    @classmethod
    def near(
        cls, files: Iterable[str | Path], embedder: Embedder, index: str | Path | None = None
    ) -> OwnSounds:
        """Those of `index`, or of the nearest index above the first of `files`.

        Raises when there is none, when it is another model's, and when it holds too few sounds.
        """
        first = next(iter(files), ".")
        near = Path() if is_url(first) else Path(first)
        start = near if near.is_dir() else near.parent
        place = find_index(start, index)
        own = cls(Store.open(place, fingerprint=embedder.fingerprint, model=embedder.name))
        if len(own.vectors) < ENOUGH:
            raise EarShotError(
                got=f"{place} with {len(own.vectors)} sounds",
                expected=f"{ENOUGH} or more, to tell what is usual",
                mend="Index a larger folder and name it: --index DIR/.earshot.",
            )
        return own

    def backgrounds(self, label_vectors: NDArray[np.float32]) -> tuple[Background, ...]:
        """How each label [labels, dim] scores over these sounds."""
        return tuple(Background.of(self.vectors @ vector) for vector in label_vectors)


def stands_out(false_alarm: float, n_labels: int) -> bool:
    """True when of that many labels hardly one would score as high on a sound without any."""
    return n_labels * false_alarm <= EXPECTED_BY_CHANCE
