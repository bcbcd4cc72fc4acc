"""Randomness comes from one number."""

from __future__ import annotations

import random

import numpy as np

from earshot.core.errors import EarShotError


def seed_all(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(*key: int | str) -> np.random.Generator:
    """A NumPy generator that depends on `key` alone, such as (seed, epoch, "order")."""
    return np.random.default_rng(np.random.SeedSequence([_word(part) for part in key]))


def _word(part: int | str) -> int:
    if isinstance(part, str):
        return int.from_bytes(part.encode(), "big")
    if part < 0:
        raise EarShotError(
            got=f"seed {part}", expected="a whole number from 0 on", mend="Pass another seed."
        )
    return int(part)
