"""A codebook of unit vectors that follows what it quantises by running means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.layers.random_projection import nearest


@dataclass(frozen=True)
class EmaCodebookConfig:
    """Sizes of the codebook and how fast it moves."""

    n_codes: int = 1_024
    dim: int = 256
    decay: float = 0.99  # of a code at every batch that uses it
    kmeans_steps: int = 10  # on the first batch of a training; 0 keeps the random codes

    def __post_init__(self) -> None:
        if min(self.n_codes, self.dim) < 1 or self.kmeans_steps < 0:
            raise EarShotError(
                got=f"n_codes={self.n_codes}, dim={self.dim}, kmeans_steps={self.kmeans_steps}",
                expected="at least one code and one dimension, and no negative steps",
                mend="Give sizes such as n_codes=1024, dim=256.",
            )
        if not 0 <= self.decay < 1:
            raise EarShotError(
                got=f"decay={self.decay:g}",
                expected="from 0 to below 1",
                mend="0.99 moves a code by a hundredth of the way at a batch.",
            )


class Quantized(NamedTuple):
    """What a codebook makes of vectors."""

    vectors: Tensor  # [batch, positions, dim], unit codes; gradients pass straight through
    codes: Tensor  # [batch, positions], int64
    commitment: Tensor  # how far the unit vectors are from their codes: mean squared, per number
    perplexity: Tensor  # codes in use over this batch's real positions, 1 to n_codes


class EmaCodebook(nn.Module):
    """Cosine vector quantisation whose codes are running means of the vectors that chose them.

    The nearest code by cosine is taken: `argmin_i |l2(v_i) - l2(e)|^2`. No gradient reaches a code:
    while training, each that is used moves towards the unit mean of its vectors, and stays of unit
    length. The first batch of a training starts the codes by k-means under the cosine, drawn from
    torch's generator. In eval mode nothing changes. With several processes the counts and sums
    are those of all of them.
    Source: arXiv:2212.09058, Eq. 4 and section 3.2.2; codebook after arXiv:2208.06366.
    """

    weight: Tensor  # [n_codes, dim], unit rows
    usage: Tensor  # [n_codes], running mean of how many positions took each code
    started: Tensor  # whether k-means has been run

    def __init__(self, config: EmaCodebookConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weight", F.normalize(torch.randn(config.n_codes, config.dim)))
        self.register_buffer("usage", torch.zeros(config.n_codes))
        self.register_buffer("started", torch.tensor(config.kmeans_steps == 0))

    def forward(self, vectors: Tensor, padding: Tensor) -> Quantized:
        """vectors [batch, positions, dim]; padding [batch, positions], True where padded.

        Padded positions get codes too, and count for nothing.
        """
        check_shape(
            "vectors",
            vectors,
            ("batch", "positions", self.config.dim),
            mend="Project to the codebook's dim.",
        )
        with torch.autocast(vectors.device.type, enabled=False):
            unit = F.normalize(vectors.float(), dim=-1)
            real = unit[~padding].detach()  # [n_real, dim]
            if self.training and not bool(self.started):
                self._start(real)
            codes = nearest(unit.detach(), self.weight)
            chosen = self.weight[codes]  # a copy: the update below does not touch it
            counts, sums = self._sums(real, codes[~padding])
            if self.training:
                self._follow(counts, sums)
            commitment = (unit - chosen).square()[~padding].mean()
            straight = unit + (chosen - unit).detach()
        return Quantized(straight, codes, commitment, perplexity(counts))

    def _sums(self, real: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """How many positions chose each code [n_codes], and their sum [n_codes, dim]."""
        counts = torch.bincount(codes, minlength=self.config.n_codes).to(real)
        sums = torch.zeros_like(self.weight).index_add_(0, codes, real)
        if self.training and dist.is_available() and dist.is_initialized():
            dist.all_reduce(counts)
            dist.all_reduce(sums)
        return counts, sums

    @torch.no_grad()
    def _follow(self, counts: Tensor, sums: Tensor) -> None:
        decay, used = self.config.decay, (counts > 0)[:, None]
        moved = F.normalize(decay * self.weight + (1 - decay) * F.normalize(sums))
        self.weight.copy_(torch.where(used, moved, self.weight))
        self.usage.lerp_(counts, 1 - decay)

    @torch.no_grad()
    def _start(self, real: Tensor) -> None:
        self.weight.copy_(cosine_kmeans(real, self.config.n_codes, self.config.kmeans_steps))
        self.started.fill_(True)
        if dist.is_available() and dist.is_initialized():
            dist.broadcast(self.weight, 0)


@torch.no_grad()
def cosine_kmeans(vectors: Tensor, n_means: int, steps: int) -> Tensor:
    """Unit means [n_means, dim] of unit vectors [n, dim]: k-means under the cosine.

    It starts from vectors drawn by torch's generator, each once where there are enough of them. A
    mean that no vector chooses stays where it was.
    """
    if not len(vectors):
        raise EarShotError(
            got="no vector to start a codebook from",
            expected="at least one real position",
            mend="Train on batches with sound in them.",
        )
    order = torch.randperm(len(vectors), device=vectors.device)
    means = vectors[order[torch.arange(n_means, device=vectors.device) % len(vectors)]]
    for _ in range(steps):
        chosen = nearest(vectors, means)
        sums = torch.zeros_like(means).index_add_(0, chosen, vectors)
        used = torch.bincount(chosen, minlength=n_means)[:, None] > 0
        means = torch.where(used, F.normalize(sums), means)
    return means


def perplexity(counts: Tensor) -> Tensor:
    """The exponential of the entropy of counts [n]: n where all are equal, 1 where one has all."""
    share = counts / counts.sum().clamp(min=1.0)
    return torch.special.entr(share).sum().exp()
