"""An encoder taught by views of its series, and the network that learns to make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from earshot.core.errors import EarShotError
from earshot.encoders.tcn import Tcn
from earshot.layers.fixed_views import crop_to_zero, jitter_and_scale, random_mask
from earshot.layers.parametric_augment import (
    ParametricAugment,
    ParametricAugmentConfig,
    ParametricView,
)
from earshot.layers.pooling import padding_of
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.objectives.mask_terms import mean_of_mask, pair_smoothness, size_excess, variation
from earshot.objectives.mmd import mean_discrepancy
from earshot.objectives.series_contrast import global_contrast, local_contrast

View = Literal[
    "learned", "elsewhere", "none", "jitter", "crop", "random_mask", "spec_augment", "focus"
]
Turn = Literal["encoder", "augment"]


@dataclass(frozen=True)
class LearnedViewsConfig:
    """Which views, and what both losses weigh. The defaults are the ETTh1 preset of the paper.

    learned: by the network. elsewhere: by the network, but with the mask and scale of another
    series. none: the series itself. jitter, crop, random_mask, spec_augment: fixed ones. focus: the
    part that is known to matter, where the data say.
    """

    view: View = "learned"
    augment: ParametricAugmentConfig = field(default_factory=ParametricAugmentConfig)
    spec_augment: SpecAugmentConfig = field(
        default_factory=lambda: SpecAugmentConfig(
            time_width=16, n_time=2, mel_width=8, n_mel=2, fill="zero"
        )
    )
    temperature: float = 1.0  # of both contrasts
    local_weight: float = 0.3
    n_windows: int = 16
    size_weight: float = 0.003
    size_target: float = 0.4  # share of the series that costs nothing
    smooth_weight: float = 0.0
    smooth: Literal["pairs", "variation"] = "pairs"
    average_after: int | None = 0  # encoder updates before the average begins; none: no average

    def __post_init__(self) -> None:
        weights = (self.local_weight, self.size_weight, self.smooth_weight)
        if min(weights) < 0 or not 0 <= self.size_target <= 1 or (self.average_after or 0) < 0:
            raise EarShotError(
                got=f"weights {weights}, size_target={self.size_target:g}, "
                f"average_after={self.average_after}",
                expected="weights of 0 or above, a share from 0 to 1, and 0 updates or more",
                mend="The paper has 0.3, 0.003, 0, 0.4 and 0.",
            )


class LearnedViews(nn.Module):
    """Encoder, augmentation and the running mean of the encoder; one loss for each turn.

    In the encoder's turn the view is given and the encoder learns to tell it from others' views; in
    the augmentation's turn the encoder is frozen and the mask learns to keep little and stay close.
    What the other one learns is untouched: its parameters get no gradient at all.
    Source: arXiv:2402.10434, Eqs. 7-13 and Algorithm 1.
    """

    n_updates: Tensor  # of the encoder

    def __init__(self, encoder: Tcn, config: LearnedViewsConfig) -> None:
        super().__init__()
        self.config, self.encoder = config, encoder
        self.augment = (
            ParametricAugment(encoder.config.n_features, config.augment) if self.learns else None
        )
        self.masks = SpecAugment(config.spec_augment)
        self.average = None
        if config.average_after is not None:
            self.average = AveragedModel(encoder).requires_grad_(False)
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))
        self._last: dict[str, Tensor] = {}  # of the augmentation's turn, to be logged
        self._encoder_moved = False

    @property
    def learns(self) -> bool:
        """Whether the views are made by a network, which then wants turns of its own."""
        return self.config.view in ("learned", "elsewhere")

    def forward(
        self, frames: Tensor, n_frames: Tensor, turn: Turn, focus: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The loss of that turn and its parts.

        frames [batch, n_features, frames], as the encoder takes them; focus [batch, frames], True
        where a series' class shows, for views of that name.
        """
        series = self.encoder.standardise(frames)  # [batch, steps, n_features]
        self._encoder_moved = turn == "encoder"
        if turn == "augment":
            self._last = self._augment_loss(series, n_frames)
            return {"loss": self._last["augment_loss"], **self._last}
        with torch.no_grad():
            view = self.view(series, n_frames, focus)
        hidden = self.encoder.steps(series, n_frames)  # [batch, steps, dim]
        vectors = self.encoder.pool(hidden, n_frames)
        views = self.encoder.pool(self.encoder.steps(view, n_frames), n_frames)
        temperature = self.config.temperature
        loss = globally = global_contrast(vectors, views, temperature=temperature)
        parts = {"global": globally}
        if self.config.local_weight > 0:
            parts["local"] = local_contrast(
                hidden, n_frames, n_windows=self.config.n_windows, temperature=temperature
            )
            loss = loss + self.config.local_weight * parts["local"]
        return {"loss": loss, **parts, **{name: v.detach() for name, v in self._last.items()}}

    def after_update(self) -> None:
        """Take the encoder into its running mean; call it after every update of either turn."""
        if not self._encoder_moved:
            return
        self.n_updates += 1
        after = self.config.average_after
        if self.average is not None and after is not None and int(self.n_updates) > after:
            self.average.update_parameters(self.encoder)

    @torch.no_grad()
    def take_average(self) -> None:
        """Give the encoder its running mean, where one has begun: what the paper evaluates."""
        if self.average is not None and int(self.average.n_averaged):
            self.encoder.load_state_dict(self.average.module.state_dict())

    def view(self, series: Tensor, n_frames: Tensor, focus: Tensor | None) -> Tensor:
        """The view [batch, steps, n_features] of a standardised series, as `config.view` says."""
        how = self.config.view
        if how == "none":
            return series
        if how == "jitter":
            return jitter_and_scale(series)
        if how == "crop":
            return crop_to_zero(series, n_frames)
        if how == "random_mask":
            return random_mask(series)
        if how == "spec_augment":
            self.masks.train()
            return self.masks(series.transpose(1, 2), n_frames).transpose(1, 2)
        if how == "focus":
            if focus is None or not bool(focus.any()):
                raise EarShotError(
                    got="series of which nobody knows what matters",
                    expected="a focus, as procedural motifs have",
                    mend="Choose another view.",
                )
            return series * focus[..., None]
        made = self.parametric_view(series, n_frames)
        if how == "learned":
            return made.view
        return made.g.roll(1, 0) * made.h.roll(1, 0) * series

    def parametric_view(self, series: Tensor, n_frames: Tensor) -> ParametricView:
        """The network's view without noise in the mask."""
        assert self.augment is not None
        return self.augment.eval()(series, padding_of(n_frames, series.shape[1]))

    def _augment_loss(self, series: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """What the augmentation learns by: stay close to the series, keep little of it."""
        assert self.augment is not None
        config, encoder = self.config, self.encoder
        made = self.augment.train()(series, padding_of(n_frames, series.shape[1]))
        with frozen(encoder):
            vectors = encoder.pool(encoder.steps(series, n_frames), n_frames)
            views = encoder.pool(encoder.steps(made.view, n_frames), n_frames)
        parts = {
            "discrepancy": mean_discrepancy(vectors, views),
            "mask_excess": size_excess(made.h, n_frames, target=config.size_target),
        }
        loss = parts["discrepancy"] + config.size_weight * parts["mask_excess"]
        if config.smooth_weight > 0:
            smoothness = pair_smoothness if config.smooth == "pairs" else variation
            parts["smoothness"] = smoothness(made.h, n_frames)
            loss = loss + config.smooth_weight * parts["smoothness"]
        return {
            "augment_loss": loss,
            **parts,
            "mask_mean": mean_of_mask(made.h, n_frames).detach(),
        }


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """`module` without gradients of its own and in eval mode; what passes through it keeps its."""
    was_training = module.training
    wanted = [value for value in module.parameters() if value.requires_grad]
    module.eval().requires_grad_(False)
    try:
        yield
    finally:
        module.train(was_training)
        for value in wanted:
            value.requires_grad_(True)
