"""Sinkhorn divergence: how far two sequences of states are from being one, whatever their lengths.

Entropic optimal transport without its bias, in the log domain, for padded batches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape

MOST_SCALES = 1_000  # of epsilon: a schedule that needs more was not meant


@dataclass(frozen=True)
class SinkhornConfig:
    """The cost is half the squared distance, and epsilon the square of `blur`."""

    blur: float = 0.05  # a length in the space of the states
    scaling: float = 0.5  # from one length of the schedule to the next, down to blur
    position: float = 1.0  # of the coordinate that says where in its sequence a state is
    normalise: bool = False  # states to unit length first

    def __post_init__(self) -> None:
        if not (self.blur > 0 and 0 < self.scaling < 1 and self.position >= 0):
            raise EarShotError(
                got=f"blur={self.blur:g}, scaling={self.scaling:g}, position={self.position:g}",
                expected="blur above 0, scaling between 0 and 1, position of 0 or more",
                mend="The published values are 0.05, 0.5 and 1.",
            )


def sequence_divergence(
    hidden: Tensor,
    n_hidden: Tensor,
    other: Tensor,
    n_other: Tensor,
    config: SinkhornConfig | None = None,
) -> Tensor:
    """How far each sequence is from its partner in `other`: [batch], float32, 0 where they agree.

    hidden [batch, positions, dim] with n_hidden [batch] real states, other [batch, positions of
    its own, dim] with n_other [batch]. Every real state weighs the same, padding weighs nothing. A
    coordinate position * (i - 1) / (n - 1) is appended to the states, so that time order counts.
    Source: arXiv:2301.11716, section 3.2. Differs: padding has no mass at all.
    """
    config = config or SinkhornConfig()
    mend = "Pass two batches of sequences of states of one dim."
    check_shape("hidden", hidden, ("batch", "positions", "dim"), mend=mend)
    batch, _, dim = hidden.shape
    check_shape("other", other, (batch, "positions", dim), mend=mend)
    check_shape("n_hidden", n_hidden, (batch,), mend=mend)
    check_shape("n_other", n_other, (batch,), mend=mend)
    with torch.autocast(hidden.device.type, enabled=False):
        one = with_positions(hidden, n_hidden, config)
        two = with_positions(other, n_other, config)
        weights = uniform(n_hidden, one), uniform(n_other, two)
        return sinkhorn_divergence(one, two, *weights, blur=config.blur, scaling=config.scaling)


def with_positions(hidden: Tensor, n_positions: Tensor, config: SinkhornConfig) -> Tensor:
    """States [batch, positions, dim] with their relative position as one more coordinate."""
    hidden = hidden if hidden.dtype == torch.float64 else hidden.float()
    if config.normalise:
        hidden = torch.nn.functional.normalize(hidden, dim=-1)
    if config.position == 0:
        return hidden
    place = torch.arange(hidden.shape[1], device=hidden.device)
    last = (n_positions.to(hidden.device) - 1).clamp(min=1)[:, None]  # a lone state is at 0
    relative = (config.position * place / last).to(hidden.dtype)  # [batch, positions]
    return torch.cat([hidden, relative[..., None]], -1)


def uniform(n_real: Tensor, points: Tensor) -> Tensor:
    """Weights [batch, positions]: 1 / n on real states, 0 on padding."""
    real = torch.arange(points.shape[1], device=points.device) < n_real.to(points.device)[:, None]
    return real.to(points.dtype) / n_real.to(points.device)[:, None]


def sinkhorn_divergence(
    one: Tensor,
    two: Tensor,
    one_weights: Tensor,
    two_weights: Tensor,
    *,
    blur: float = 0.05,
    scaling: float = 0.5,
) -> Tensor:
    """OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2 for each pair of weighted points: [batch].

    one [batch, m, dim] with one_weights [batch, m] that sum to 1, two [batch, n, dim] with
    two_weights; points of weight 0 count for nothing and get no gradient. Epsilon falls from the
    square of a pair's extent to blur ** 2, by scaling ** 2 a step; each pair has its own schedule,
    so that batch-mates change nothing. Gradients flow through the last step alone, whose potentials
    are taken as constant: exact where the iteration has converged.
    Source: arXiv:1810.08278, section 3; the symmetric updates of geomloss.
    """
    real = one_weights > 0, two_weights > 0
    one = one.masked_fill(~real[0][..., None], 0.0)
    two = two.masked_fill(~real[1][..., None], 0.0)
    a, b = one_weights.log(), two_weights.log()  # -inf for padding
    with torch.no_grad():
        schedule, n_scales = epsilons(extent(one, two, *real), blur, scaling)
        pair = _Potentials(_cost(one, two), a, b)
        alone = _Potentials(_cost(one, one), a, a), _Potentials(_cost(two, two), b, b)
        for problem in (pair, *alone):
            problem.settle(schedule, n_scales)
    epsilon = schedule[:, -1]
    f = _softmin(epsilon, _cost(one, two.detach()), b + pair.g / epsilon[:, None])
    g = _softmin(epsilon, _cost(two, one.detach()), a + pair.f / epsilon[:, None])
    f_alone = _softmin(epsilon, _cost(one, one.detach()), a + alone[0].f / epsilon[:, None])
    g_alone = _softmin(epsilon, _cost(two, two.detach()), b + alone[1].f / epsilon[:, None])
    of_one = (one_weights * torch.where(real[0], f - f_alone, 0.0)).sum(1)
    return of_one + (two_weights * torch.where(real[1], g - g_alone, 0.0)).sum(1)


class _Potentials:
    """The dual potentials f [batch, m] and g [batch, n] of one transport problem."""

    def __init__(self, cost: Tensor, a: Tensor, b: Tensor) -> None:
        self.cost, self.back = cost, cost.transpose(1, 2)  # [batch, m, n] and [batch, n, m]
        self.a, self.b = a, b  # log weights
        self.f, self.g = a.new_zeros(a.shape), b.new_zeros(b.shape)

    def settle(self, schedule: Tensor, n_scales: Tensor) -> None:
        """One averaged update for each of a pair's own n_scales of the schedule [batch, scales]."""
        self.f, self.g = self._updated(schedule[:, 0], self.a, self.b)
        for step, epsilon in enumerate(schedule.T):
            f, g = self._updated(
                epsilon, self.a + self.f / epsilon[:, None], self.b + self.g / epsilon[:, None]
            )
            due = (step < n_scales)[:, None]
            self.f = torch.where(due, (self.f + f) / 2, self.f)
            self.g = torch.where(due, (self.g + g) / 2, self.g)

    def _updated(self, epsilon: Tensor, of_a: Tensor, of_b: Tensor) -> tuple[Tensor, Tensor]:
        return _softmin(epsilon, self.cost, of_b), _softmin(epsilon, self.back, of_a)


def _softmin(epsilon: Tensor, cost: Tensor, log_weights: Tensor) -> Tensor:
    """-epsilon log sum_j exp(log_weights_j - cost_ij / epsilon): [batch, m]."""
    scale = epsilon[:, None, None]
    return -epsilon[:, None] * (log_weights.detach()[:, None] - cost / scale).logsumexp(2)


def _cost(one: Tensor, two: Tensor) -> Tensor:
    """Half the squared distances [batch, m, n]."""
    squares = one.square().sum(-1)[:, :, None] + two.square().sum(-1)[:, None]
    return (squares / 2 - one @ two.transpose(1, 2)).clamp(min=0.0)


def extent(one: Tensor, two: Tensor, one_real: Tensor, two_real: Tensor) -> Tensor:
    """Diagonal of the box around each pair's real points: [batch]."""
    points = torch.cat([one, two], 1)
    real = torch.cat([one_real, two_real], 1)[..., None]
    low = points.masked_fill(~real, math.inf).amin(1)
    high = points.masked_fill(~real, -math.inf).amax(1)
    return (high - low).norm(dim=-1)


def epsilons(extents: Tensor, blur: float, scaling: float) -> tuple[Tensor, Tensor]:
    """The schedule of every pair, [batch, scales], and how many of its values are meant, [batch].

    A pair's extent squared, twice, then falling, then blur squared.
    """
    widest = extents.clamp(min=blur)
    n_falling = ((widest / blur).log() / -math.log(scaling)).ceil()  # those above blur
    most = int(n_falling.max())
    if most > MOST_SCALES:
        raise EarShotError(
            got=f"a schedule of {most} steps",
            expected=f"at most {MOST_SCALES}",
            mend="Raise blur, or lower scaling.",
        )
    powers = torch.arange(most + 1, device=extents.device).to(extents.dtype)
    falling = widest[:, None] * scaling**powers  # [batch, most + 1]
    falling = torch.where(powers < n_falling[:, None], falling, blur)
    return torch.cat([widest[:, None], falling], 1).square(), n_falling.long() + 2


def pairwise_divergence(
    hidden: Tensor,
    n_hidden: Tensor,
    other: Tensor,
    n_other: Tensor,
    config: SinkhornConfig | None = None,
    *,
    at_once: int = 4_096,
) -> Tensor:
    """Of every sequence to every sequence of `other`: [batch, other batch], without gradient."""
    n, m = len(hidden), len(other)
    one, two = torch.arange(n).repeat_interleave(m), torch.arange(m).repeat(n)
    with torch.no_grad():
        parts = [
            sequence_divergence(hidden[i], n_hidden[i], other[j], n_other[j], config)
            for i, j in zip(one.split(at_once), two.split(at_once), strict=True)
        ]
    return torch.cat(parts).view(n, m)
