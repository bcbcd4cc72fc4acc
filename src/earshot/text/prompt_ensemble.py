"""One vector for several ways to say a thing: the mean of their unit vectors, of unit length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError

Vectors = NDArray[np.float32]
Read = Callable[[Sequence[str]], Vectors]  # texts -> rows [texts, dim]


def ensemble(read: Read, prompts: Sequence[Sequence[str]]) -> Vectors:
    """Unit rows [groups, dim], one for each group of prompts.

    Every prompt counts alike: its vector is brought to unit length before the mean, whatever `read`
    gives, and the mean afterwards. All texts go to `read` at once. Raises EarShotError for a group
    without a prompt. Source: arXiv:2409.09213, inference; arXiv:2103.00020, section 3.1.4.
    """
    if not all(prompts):
        raise EarShotError(
            got="no prompt", expected="at least one", mend='Write one like "a sound of {label}".'
        )
    if not prompts:
        return np.zeros((0, 0), np.float32)
    rows = unit(read([text for group in prompts for text in group]))  # [prompts, dim]
    starts = np.cumsum([0, *(len(group) for group in prompts[:-1])])
    sums: Vectors = np.add.reduceat(rows, starts, axis=0)  # [groups, dim]; as good as the means
    return unit(sums)


def unit(rows: Vectors) -> Vectors:
    """Rows of length 1; a row of zeros stays one."""
    scaled: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return scaled
