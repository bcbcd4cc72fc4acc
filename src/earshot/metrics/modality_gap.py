"""The modality gap of sequences: how much nearer speech is to its own text than to any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from earshot.core.errors import EarShotError
from earshot.metrics.finite import finite_array
from earshot.metrics.retrieval import text_to_audio


def modality_gap(divergence: ArrayLike) -> dict[str, float]:
    """`gap` and `retrieval_r1` of divergences [n, n], speech by text, own pairs on the diagonal.

    gap: the mean divergence of own pairs over that of all other pairs, so that the size of the
    states does not count: 0 where speech and text are one, about 1 where they know nothing of each
    other. retrieval_r1: the share of speech whose own text is nearest; a tie is a miss.
    Source: after arXiv:2301.11716, which shows divergences; the ratio is ours.
    """
    table = finite_array("divergence", divergence, n_dims=2)
    n = len(table)
    if table.shape != (n, n) or n < 2:
        raise EarShotError(
            got=f"divergence of shape {list(table.shape)}",
            expected="a square of at least 2, own pairs on the diagonal",
            mend="Compare as many texts as there is speech, in the same order.",
        )
    own = np.eye(n, dtype=bool)
    others = float(table[~own].mean())
    if others <= 0:
        raise EarShotError(
            got=f"a mean divergence of {others:g} between sequences that do not belong together",
            expected="one above 0",
            mend="The states have collapsed to one: lower the weight of the transport.",
        )
    nearest = text_to_audio(-table, np.arange(n)).values["R@1"]
    return {"gap": float(table[own].mean()) / others, "retrieval_r1": nearest}
