"""A space of texts and sounds without a CLAP: directions, a gap, and noise of each side."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.seed import generator

KINDS = ("dog", "rain", "bell", "wind", "siren", "piano", "bird", "drum", "engine", "baby")
DIM = 48
GAP = 3.0  # of a text from a sound, beside which a kind weighs 1


class ToySpace:
    """Where captions and sounds of sets of kinds lie."""

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "toy space")
        axes = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
        self.kinds, self.gap, self.rng = axes[: len(KINDS)], GAP * axes[len(KINDS)], rng

    def _at(self, sets: list[tuple[int, ...]], noise: float, side: int) -> Tensor:
        rows = np.stack([self.kinds[list(each)].sum(0) for each in sets])
        rows = rows + side * self.gap / 2 + noise * self.rng.normal(size=rows.shape) / DIM**0.5
        return F.normalize(torch.from_numpy(rows).float())

    def texts(self, sets: list[tuple[int, ...]]) -> Tensor:
        """Embeddings of captions."""
        return self._at(sets, 0.1, 1)

    def sounds(self, sets: list[tuple[int, ...]]) -> Tensor:
        """Embeddings of sounds."""
        return self._at(sets, 1.0, -1)


def pairs() -> list[tuple[int, ...]]:
    """Every two kinds."""
    return [(a, b) for a in range(len(KINDS)) for b in range(a + 1, len(KINDS))]


def caption(kinds: tuple[int, ...], rng: np.random.Generator) -> str:
    """The kinds in one of four sentences."""
    frames = ("{} and {}", "{} while {}", "the sound of {} with {}", "first {} then {}")
    return frames[int(rng.integers(4))].format(*(KINDS[i] for i in kinds))
