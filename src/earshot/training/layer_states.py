"""States of every layer of a frozen encoder, computed once for many probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.layers.pooling import mean_of_real
from earshot.models.sound_encoder import SoundEncoder

N_AT_ONCE = 16  # clips of like length in a batch


@dataclass(frozen=True)
class FrameStates:
    """States of one clip, position by position."""

    states: Tensor  # [positions, n_layers, dim]
    position_s: float  # how far apart positions lie


def clip_states(model: SoundEncoder, waveforms: Sequence[np.ndarray]) -> Tensor:
    """Means over time of every layer, [n, n_layers, dim], of mono clips at the model's rate.

    A clip longer than the window is read in windows that follow each other, and its mean is that of
    all its positions. Layers of another width than the last are left out: they cannot be summed.
    """
    rows: list[Tensor | None] = [None] * len(waveforms)
    fits = [i for i, each in enumerate(waveforms) if len(each) <= model.window_samples]
    fits.sort(key=lambda i: len(waveforms[i]))
    with _listening(model):
        for start in range(0, len(fits), N_AT_ONCE):
            chosen = fits[start : start + N_AT_ONCE]
            hidden, padding, _ = _heard(model, [waveforms[i] for i in chosen])
            means = torch.stack([mean_of_real(each, padding) for each in hidden], 1)
            for i, row in zip(chosen, means, strict=True):
                rows[i] = row.float().cpu()
    for i, row in enumerate(rows):
        if row is None:
            rows[i] = frame_states(model, waveforms[i]).states.mean(0)
    return torch.stack([row for row in rows if row is not None])


def frame_states(model: SoundEncoder, waveform: np.ndarray) -> FrameStates:
    """States of one mono clip at the model's rate, window after window."""
    parts, position_s = [], 0.0
    with _listening(model):
        for start in range(0, len(waveform), model.window_samples):
            window = waveform[start : start + model.window_samples]
            hidden, padding, position_s = _heard(model, [window])
            n_heard = -(-len(window) // max(1, round(position_s * model.sample_rate)))
            n_real = min(int((~padding[0]).sum()), max(1, n_heard))  # what fills the window is none
            parts.append(torch.stack([each[0, :n_real] for each in hidden], 1).float().cpu())
    if not parts:
        raise EarShotError(
            got="a clip without samples", expected="sound", mend="Leave the clip out."
        )
    return FrameStates(torch.cat(parts), position_s)


def _heard(
    model: SoundEncoder, waveforms: Sequence[np.ndarray]
) -> tuple[list[Tensor], Tensor, float]:
    """Layers as wide as the last, each [batch, positions, dim]; their padding and spacing."""
    n_samples = torch.tensor([len(each) for each in waveforms])
    batch = torch.zeros(len(waveforms), int(n_samples.max()))
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))
    device = next(model.parameters(), torch.empty(0)).device
    states = model.layers(batch.to(device), n_samples.to(device))
    width = states.last.shape[2]
    hidden = [each for each in states.hidden if each.shape[2] == width]
    return hidden, states.padding, model.position_s(states)


@contextmanager
def _listening(model: SoundEncoder) -> Iterator[None]:
    """The model in eval mode without gradients; afterwards in the mode that it was in."""
    was_training = model.training
    try:
        with torch.inference_mode():
            model.eval()
            yield
    finally:
        model.train(was_training)
