"""Randomness comes from one number."""

from __future__ import annotations

import random

import numpy as np


def seed_all(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(*key: int | str) -> np.random.Generator:
    """A NumPy generator that depends on `key` alone, such as (seed, epoch, "order")."""
    words = [
        part if isinstance(part, int) else int.from_bytes(part.encode(), "big") for part in key
    ]
    return np.random.default_rng(np.random.SeedSequence(words))
