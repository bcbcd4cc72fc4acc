"""A temporal convolution network as an encoder of log-mels, or of any series of features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.tcn_trunk import TcnTrunk, TcnTrunkConfig

Pooling = Literal["max", "mean", "max_mean", "last"]


@dataclass(frozen=True)
class TcnConfig:
    """Sizes of a Tcn, what it takes for zero and one, and how its steps become one vector."""

    n_features: int = 64  # bands of the log-mel, or channels of the series
    trunk: TcnTrunkConfig = field(default_factory=TcnTrunkConfig)
    step_dropout: float = 0.5  # chance that a step is silenced, while training
    pooling: Pooling = "max"  # over time; max_mean is the half of both together
    center: float = 0.0  # what features are centred by: about -40 for log-mels in dB ...
    spread: float = 1.0  # ... and divided by: about 20

    def __post_init__(self) -> None:
        if self.n_features < 1 or not 0 <= self.step_dropout < 1 or not self.spread > 0:
            raise EarShotError(
                got=f"n_features={self.n_features}, step_dropout={self.step_dropout:g}, "
                f"spread={self.spread:g}",
                expected="at least 1, from 0 to below 1, above 0",
                mend="The paper's step_dropout is 0.5.",
            )


class Tcn(TcnTrunk):
    """Standardise, hear every step among its neighbours, pool the real steps over time.

    Causal throughout with `trunk.direction="causal"`: then no step depends on a later one, and with
    pooling "last" the vector is what a forecast may use. Padding and batch-mates change nothing.
    Source: arXiv:2402.10434, 4.1. The vector is the maximum over time, 3.3.
    """

    position_frames = 1.0

    def __init__(self, config: TcnConfig) -> None:
        super().__init__(config.n_features, config.trunk)
        self.config, self.dim = config, config.trunk.dim

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:  # type: ignore[override]
        """log_mel [batch, n_features, frames], n_frames [batch]: real lengths -> [batch, dim]."""
        return self.pool(self.steps(self.standardise(log_mel), n_frames), n_frames)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The states of the steps, of those stages that are as wide as the output."""
        states = self._states(self.standardise(log_mel), n_frames)
        return LayerStates(tuple(s for s in states if s.shape[2] == self.dim), n_frames)

    def standardise(self, log_mel: Tensor) -> Tensor:
        """log_mel [batch, n_features, frames] as a series [batch, frames, n_features] about 0."""
        check_shape(
            "log_mel",
            log_mel,
            ("batch", self.config.n_features, "frames"),
            mend="Give the log-mel and this encoder the same number of bands.",
        )
        return ((log_mel - self.config.center) / self.config.spread).transpose(1, 2)

    def steps(self, series: Tensor, n_frames: Tensor) -> Tensor:
        """series [batch, steps, n_features], standardised -> hidden [batch, steps, dim].

        While training, every step is silenced with the chance `step_dropout`, by torch's generator.
        """
        return self._states(series, n_frames)[-1]

    def pool(self, hidden: Tensor, n_frames: Tensor) -> Tensor:
        """One vector [batch, dim] of the real steps of hidden [batch, steps, dim]."""
        padding, how = padding_of(n_frames, hidden.shape[1]), self.config.pooling
        if how == "last":
            rows = torch.arange(len(hidden), device=hidden.device)
            return hidden[rows, n_frames - 1]
        if how == "mean":
            return mean_of_real(hidden, padding)
        most = hidden.masked_fill(padding[..., None], -torch.inf).amax(1)
        return most if how == "max" else (most + mean_of_real(hidden, padding)) / 2

    def _states(self, series: Tensor, n_frames: Tensor) -> list[Tensor]:
        hidden_steps, dropout = None, self.config.step_dropout
        if self.training and dropout > 0:
            hidden_steps = torch.rand(series.shape[:2], device=series.device) < dropout
        padding = padding_of(n_frames, series.shape[1])
        is_full = values_are_known() and not bool(padding.any())
        return self.states(series, None if is_full else padding, hidden_steps)
