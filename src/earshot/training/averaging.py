"""A running average of the weights, which often generalises better than the last ones."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def decay_at(update: int, decay: float) -> float:
    """How much of the average stays at `update` (from 1): rises from 2/11 towards `decay`.

    A plain constant decay would keep the random first weights for some 1 / (1 - decay) updates.
    """
    return min(decay, (1 + update) / (10 + update))


def running_average(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` that follows it: call `update_parameters(model)` after every update.

    Buffers (the statistics of batch norms) are averaged as well. The first call copies.
    """

    def blend(average: Tensor, value: Tensor, n_averaged: Tensor | int) -> Tensor:
        if not average.is_floating_point():  # counters are copied
            return value
        return average.lerp(value.to(average), 1.0 - decay_at(int(n_averaged), decay))

    return AveragedModel(model, avg_fn=blend, use_buffers=True)


def copy_average(average: AveragedModel, model: nn.Module) -> None:
    """Put the averaged weights and buffers into `model`."""
    model.load_state_dict(average.module.state_dict())
