"""The signal itself as the aim: what comes next (APC), or what was hidden (Mockingjay, TERA)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.layers.pooling import padding_of
from earshot.layers.span_mask import SpanMaskConfig, span_mask
from earshot.models.pretraining.frame_objective import FrameObjective, mean_distance


@dataclass(frozen=True)
class ApcConfig:
    """How far ahead is looked."""

    ahead: int = 2  # positions; the papers have 3 to 5 frames of 10 ms

    def __post_init__(self) -> None:
        if self.ahead < 1:
            raise EarShotError(
                got=f"ahead={self.ahead}", expected="at least 1", mend="2 is the default."
            )


class Apc(FrameObjective):
    """Autoregressive predictive coding: the frames some positions ahead, from all before.

    L = mean_t |x_{t+n} - W h_t|. Source: arXiv:1904.03240, Eq. 1.
    """

    causal = True

    def __init__(self, encoder: FrameEncoder, config: ApcConfig) -> None:
        super().__init__(encoder)
        self.ahead = config.ahead
        self.head = nn.Linear(encoder.dim, encoder.n_inputs)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """The mean absolute difference, in the encoder's scaled units."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        states = self.encoder.contextualise(self.encoder.embed(inputs), n_positions)
        real = ~padding_of(n_positions, inputs.shape[1])[:, self.ahead :]
        found = self.head(states.last[:, : -self.ahead])
        return {"loss": mean_distance(found, inputs[:, self.ahead :], real)}


def _fifteen_percent() -> SpanMaskConfig:
    return SpanMaskConfig(start_probability=0.15 / 4, length=4, least_spans=1)


@dataclass(frozen=True)
class ReconstructionConfig:
    """What is hidden and how. Source: arXiv:1910.12638, 2.2; arXiv:2007.06028, III-A."""

    mask: SpanMaskConfig = field(default_factory=_fifteen_percent)  # 15 %, about 7 frames a span
    zeroed: float = 0.8  # of the utterances' spans ...
    swapped: float = 0.1  # ... and these are replaced by others; the rest is kept
    bands: float = 0.2  # at most this share of bands is zeroed over the whole utterance

    def __post_init__(self) -> None:
        shares = (self.zeroed, self.swapped, self.bands)
        if min(shares) < 0 or self.zeroed + self.swapped > 1 or self.bands >= 1:
            raise EarShotError(
                got=f"zeroed={self.zeroed:g}, swapped={self.swapped:g}, bands={self.bands:g}",
                expected="shares from 0 on, the first two of at most 1 together, bands below 1",
                mend="TERA has 0.8, 0.1 and 0.2.",
            )


class MaskedReconstruction(FrameObjective):
    """The frames of hidden spans, from what is left.

    Spans of an utterance are zeroed, or swapped for those of another, or left as they are; and a
    stripe of bands is zeroed. L = mean over hidden positions |x_t - W c_t|. Differs: the loss is
    over hidden positions alone, in both papers' spirit; TERA's is over all.
    """

    def __init__(self, encoder: FrameEncoder, config: ReconstructionConfig) -> None:
        super().__init__(encoder)
        self.config = config
        self.head = nn.Sequential(
            nn.Linear(encoder.dim, encoder.dim),
            nn.GELU(),
            nn.LayerNorm(encoder.dim),
            nn.Linear(encoder.dim, encoder.n_inputs),
        )

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """The mean absolute difference, in the encoder's scaled units."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        masked = span_mask(n_positions, inputs.shape[1], self.config.mask)
        damaged = self.damage(inputs, masked)
        states = self.encoder.contextualise(self.encoder.embed(damaged), n_positions)
        return {"loss": mean_distance(self.head(states.last), inputs, masked)}

    def damage(self, inputs: Tensor, masked: Tensor) -> Tensor:
        """inputs [batch, positions, n_inputs] with spans `masked` and a stripe of bands altered."""
        config, device = self.config, inputs.device
        dice = torch.rand(len(inputs), 1, 1, device=device)  # one fate for an utterance's spans
        other = inputs.roll(1, 0)
        fate = torch.where(dice < config.zeroed + config.swapped, other, inputs)
        fate = torch.where(dice < config.zeroed, torch.zeros_like(inputs), fate)
        damaged = torch.where(masked[..., None], fate, inputs)
        n_bands = self.encoder.config.n_features
        most = int(config.bands * n_bands)
        width = torch.randint(0, most + 1, (len(inputs), 1), device=device)
        start = (torch.rand(len(inputs), 1, device=device) * (n_bands - width + 1)).long()
        band = torch.arange(n_bands, device=device)
        stripe = (band >= start) & (band < start + width)  # [batch, bands]
        return damaged.masked_fill(stripe.repeat(1, self.encoder.config.stack)[:, None], 0.0)
