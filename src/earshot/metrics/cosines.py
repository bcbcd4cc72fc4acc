"""How alike the rows of a space are: the cosines of all pairs, as a histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array

N_BINS = 20  # a tenth wide each
MOST_ROWS = 2_000  # more are thinned out evenly


@dataclass(frozen=True)
class CosineHistogram:
    """Cosines of all pairs of rows, a row with itself left out."""

    share: NDArray[np.float64]  # of the pairs in each bin of equal width from -1 to 1
    quantiles: dict[str, float]  # "p05", "p50", "p95"

    @property
    def edges(self) -> NDArray[np.float64]:
        """Where the bins begin and end, one more than there are bins."""
        return np.linspace(-1.0, 1.0, len(self.share) + 1)

    def to_text(self) -> str:
        """The bins that hold at least one pair in two hundred: "-0.1 to 0.0: 31 %, ..."."""
        bins = zip(self.edges[:-1], self.edges[1:], self.share, strict=True)
        shown = [f"{a:.1f} to {b:.1f}: {each:.0%}" for a, b, each in bins if each >= 0.005]
        return ", ".join(shown)


def cosine_histogram(rows: ArrayLike) -> CosineHistogram:
    """The histogram of unit rows [n, dim], n at least 2; of at most 2,000 of them.

    Source: arXiv:2309.14580, where these cosines are the weights.
    """
    array = finite_array("rows", rows, n_dims=2)
    if len(array) < 2:
        raise EarShotError(
            got=f"{len(array)} rows", expected="two at least", mend="Pass the whole corpus."
        )
    if len(array) > MOST_ROWS:
        array = array[np.linspace(0, len(array) - 1, MOST_ROWS).astype(int)]
    pairs = (array @ array.T)[np.triu_indices(len(array), 1)].clip(-1.0, 1.0)
    counts, _ = np.histogram(pairs, bins=N_BINS, range=(-1.0, 1.0))
    low, middle, high = np.percentile(pairs, [5, 50, 95])
    quantiles = {"p05": float(low), "p50": float(middle), "p95": float(high)}
    return CosineHistogram(counts / len(pairs), quantiles)
