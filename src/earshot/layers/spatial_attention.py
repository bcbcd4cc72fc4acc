"""Attention over sensors by where they sit: one layer for every helmet and cap."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known

MOST_DRAWS = 64  # places tried for the dropped patch before a batch keeps all its sensors
MEND = "Give every sensor a place in the unit square, and mark those without one as padding."


class SpatialAttention(nn.Module):
    """Virtual channels, each a weighted mean of the sensors by a learnt function of their place.

    Channel j weighs a sensor at (x, y) by a softmax over sensors of
    a_j(x, y) = sum over k, l of Re z_j^kl cos(2 pi (k x + l y)) + Im z_j^kl sin(2 pi (k x + l y)),
    k and l from 0 to n_waves - 1, on a square that is wider than the sensors' by `margin` on every
    side, so that the two ends of the period stay apart. `heads` [n_virtual, 2 n_waves^2] holds
    first the real parts, then the imaginary ones, k outermost.

    In training the sensors within `dropout_radius` of a random point are left out, the same point
    for the whole batch; where that would leave a row without any, another point is drawn.
    Source: arXiv:2208.12266, Methods.
    """

    def __init__(
        self,
        n_virtual: int,
        n_waves: int = 32,
        *,
        margin: float = 0.2,
        dropout_radius: float = 0.2,
    ) -> None:
        super().__init__()
        self.n_waves, self.margin, self.dropout_radius = n_waves, margin, dropout_radius
        dim = 2 * n_waves**2
        self.heads = nn.Parameter(torch.randn(n_virtual, dim) / math.sqrt(dim))

    def waves(self, positions: Tensor) -> Tensor:
        """positions [..., 2] in [0, 1] -> cosines and sines [..., 2 n_waves^2]."""
        period = 1.0 + 2.0 * self.margin
        place = (positions + self.margin) * (2.0 * math.pi / period)
        k = torch.arange(self.n_waves, device=positions.device, dtype=positions.dtype)
        angles = place[..., 0, None, None] * k[:, None] + place[..., 1, None, None] * k
        angles = angles.flatten(-2)  # [..., n_waves^2], k outermost
        return torch.cat([angles.cos(), angles.sin()], -1)

    def forward(self, brain: Tensor, positions: Tensor, padding: Tensor | None = None) -> Tensor:
        """brain [batch, channels, samples] -> [batch, n_virtual, samples].

        positions [batch, channels, 2] in [0, 1]; padding [batch, channels], True where there is no
        sensor. What stands in padded channels, and at their place, is never read.
        """
        weights = self.weights(positions, padding)
        if padding is not None:
            brain = brain.masked_fill(padding[..., None], 0.0)  # NaN times 0 would be NaN
        return weights.to(brain.dtype) @ brain

    def weights(self, positions: Tensor, padding: Tensor | None = None) -> Tensor:
        """How much each sensor counts in each channel: [batch, n_virtual, channels], rows sum to 1.

        Raises EarShotError for a row without any sensor.
        """
        check_shape("positions", positions, ("batch", "channels", 2), mend=MEND)
        away = torch.zeros(positions.shape[:2], dtype=torch.bool, device=positions.device)
        if padding is not None:
            away = away | padding
            positions = positions.masked_fill(padding[..., None], 0.0)
        if values_are_known() and bool(away.all(1).any()):
            raise EarShotError(
                got="a recording without any sensor", expected="at least one", mend=MEND
            )
        if self.training and self.dropout_radius > 0:
            away = self._dropped(positions, away)
        scores = self.waves(positions.float()) @ self.heads.float().T  # [batch, channels, virtual]
        return scores.transpose(1, 2).masked_fill(away[:, None], -math.inf).softmax(-1)

    def _dropped(self, positions: Tensor, away: Tensor) -> Tensor:
        """`away` with the sensors around a random point of the unit square."""
        for _ in range(MOST_DRAWS):
            point = torch.rand(2, device=positions.device)
            near = (positions - point).norm(dim=-1) <= self.dropout_radius
            if not bool((away | near).all(1).any()):
                return away | near
        return away
