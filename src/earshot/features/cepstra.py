"""Cepstra of a log-mel with their changes: the 39 numbers of old speech recognisers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.features.stft import real_frames

REACH = 2  # frames to either side of a change


def cepstra(log_mel: Tensor, n_frames: Tensor, n_cepstra: int = 13) -> Tensor:
    """log_mel [batch, n_mels, frames] -> [batch, 3 * n_cepstra, frames].

    An orthonormal DCT-II over the bands, its slope over five frames, and the slope's slope. The
    first and last frame of a clip hold on beyond its ends: nothing depends on padding.
    """
    n_mels = log_mel.shape[1]
    if not 1 <= n_cepstra <= n_mels:
        raise EarShotError(
            got=f"{n_cepstra} cepstra of {n_mels} bands",
            expected="from 1 up to the number of bands",
            mend="13 are usual.",
        )
    band = torch.arange(n_mels, device=log_mel.device) + 0.5
    order = torch.arange(n_cepstra, device=log_mel.device)[:, None]
    table = torch.cos(math.pi / n_mels * order * band) * math.sqrt(2 / n_mels)
    table[0] /= math.sqrt(2)
    plain = table.to(log_mel) @ log_mel  # [batch, n_cepstra, frames]
    slope = deltas(plain, n_frames)
    return torch.cat([plain, slope, deltas(slope, n_frames)], 1)


def deltas(values: Tensor, n_frames: Tensor) -> Tensor:
    """The slope at each frame of values [batch, n, frames], by least squares over five frames."""
    n_frames = n_frames.to(values.device)
    last = (n_frames - 1)[:, None, None].expand(-1, values.shape[1], 1)
    real = real_frames(n_frames, values.shape[2])[:, None]
    held = F.pad(torch.where(real, values, values.gather(2, last)), (REACH, REACH), "replicate")
    steps = torch.arange(-REACH, REACH + 1, device=values.device).to(values)
    windows = held.unfold(2, 2 * REACH + 1, 1)  # [batch, n, frames, 5]
    return (windows @ (steps / steps.square().sum())).masked_fill(~real, 0.0)
