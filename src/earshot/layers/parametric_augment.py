"""An augmentation that is learnt: keep what matters of a series, rescale it, drop the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.tcn_trunk import TcnTrunk, TcnTrunkConfig


def _shallow() -> TcnTrunkConfig:
    return TcnTrunkConfig(depth=1, dim=16)


@dataclass(frozen=True)
class ParametricAugmentConfig:
    """The network behind the mask, and how its logits become one. Numbers of arXiv:2402.10434."""

    trunk: TcnTrunkConfig = field(default_factory=_shallow)
    over: Literal["channels", "time"] = "channels"  # a mask of each channel, or one for all (4.2)
    logits: Literal["raw", "compatible"] = "raw"  # compatible: the sigmoid of them, as the code
    temperature: float = 1.0  # of the relaxed mask
    noise_margin: float = 0.05  # uniform noise stays that far from 0 and 1; "gumbel_bias"
    stretch: float = 0.05  # how far below 0 the relaxed mask reaches before it is cut there
    hard: bool = False  # rounded at 0.5, with the gradient of the soft mask
    rescale: bool = True  # False: the part that is kept stays as it is

    def __post_init__(self) -> None:
        if not 0 <= self.noise_margin < 0.5 or self.stretch < 0 or self.temperature <= 0:
            raise EarShotError(
                got=f"noise_margin={self.noise_margin:g}, stretch={self.stretch:g}, "
                f"temperature={self.temperature:g}",
                expected="from 0 to below 0.5, 0 or above, above 0",
                mend="The paper's are 0.05, 0.05 and 1.",
            )


class ParametricView(NamedTuple):
    """A view of a batch of series and what made it, each [batch, steps, channels]."""

    view: Tensor  # g * h * x
    h: Tensor  # the mask in [0, 1]: 1 where the series is kept
    g: Tensor  # the scale in (0, 1)
    aux: dict[str, Tensor]  # "logits" of the mask; "open", its chance of being above 0


class ParametricAugment(nn.Module):
    """Makes of each series its own view: a mask says what is informative, a scale varies that.

    In training the mask is drawn (a stretched, relaxed Bernoulli), else it is the noiseless one.
    Compatible logits reproduce a flaw of the released code: they lie in (0, 1), so that a mask
    begins in (0.5, 0.73) and only the stretch brings any of it to 0.
    Source: arXiv:2402.10434, Eqs. 3-6; the relaxation is arXiv:1712.01312's.
    """

    def __init__(self, n_channels: int, config: ParametricAugmentConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ParametricAugmentConfig()
        self.trunk = TcnTrunk(n_channels, config.trunk)
        self.factor_head = nn.Linear(
            config.trunk.dim, n_channels if config.over == "channels" else 1
        )
        self.scale_head = nn.Linear(config.trunk.dim, n_channels)

    def forward(self, series: Tensor, padding: Tensor | None = None) -> ParametricView:
        """series [batch, steps, channels], standardised; padding [batch, steps], True past its end.

        Mask and scale of padded steps are 0 and 1. Draws from torch's own generator.
        """
        hidden = self.trunk(series, padding)
        logits = self.factor_head(hidden)
        if self.config.logits == "compatible":
            logits = logits.sigmoid()
        h = self._mask(logits).expand_as(series)
        g = torch.sigmoid(self.scale_head(hidden)) if self.config.rescale else torch.ones_like(h)
        if padding is not None:
            h, g = h.masked_fill(padding[..., None], 0.0), g.masked_fill(padding[..., None], 1.0)
        aux = {"logits": logits, "open": self.open_chance(logits)}
        return ParametricView(g * h * series, h, g, aux)

    def open_chance(self, logits: Tensor) -> Tensor:
        """The chance that a drawn mask is above 0, of logits of any shape.

        Exact without a noise margin. Source: arXiv:1712.01312, Eq. 12.
        """
        if self.config.stretch == 0:
            return torch.ones_like(logits)
        closed_at = math.log(self.config.stretch)  # s of s * (1 + stretch) - stretch = 0
        return torch.sigmoid(logits - self.config.temperature * closed_at)

    def _mask(self, logits: Tensor) -> Tensor:
        """The relaxed mask of logits; drawn in training."""
        config = self.config
        if self.training:
            noise = torch.rand_like(logits) * (1 - 2 * config.noise_margin) + config.noise_margin
            logits = logits + noise.logit(eps=1e-6)
        soft = torch.sigmoid(logits / config.temperature)
        soft = (soft * (1 + config.stretch) - config.stretch).clamp(0.0, 1.0)
        if not config.hard:
            return soft
        return soft + ((soft > 0.5).to(soft) - soft).detach()
