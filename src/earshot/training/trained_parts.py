"""What of a model is trained, as a module of its own: checkpoints then hold nothing that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


class TrainedParts(nn.Module):
    """The parameters of `whole` that want a gradient, in order; they are the same objects.

    Mode and device are those of the whole model: setting them here sets them there.
    """

    whole: nn.Module

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "whole", whole)  # not a part: its frozen weights stay out
        self.trained = nn.ParameterList(p for p in whole.parameters() if p.requires_grad)
        self.sample_rate = getattr(whole, "sample_rate", None)

    def train(self, mode: bool = True) -> TrainedParts:
        """The same for the whole."""
        super().train(mode)
        self.whole.train(mode)
        return self

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> TrainedParts:
        """Moves to a device go through here: the whole follows, and the parameters stay one."""
        self.whole._apply(fn, recurse)
        return self
