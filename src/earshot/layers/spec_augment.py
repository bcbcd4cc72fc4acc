"""SpecAugment: stripes of time and of mel bands masked while training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError


@dataclass(frozen=True)
class SpecAugmentConfig:
    """How many stripes, and how wide; the defaults are those of PANNs and LAION-CLAP."""

    time_width: int = 64  # frames, a stripe is 0 to time_width - 1 wide
    n_time: int = 2
    mel_width: int = 8  # bands, a stripe is 0 to mel_width - 1 high
    n_mel: int = 2
    fill: Literal["mean", "zero"] = "mean"  # zero only where 0 is the mean: after normalisation

    def __post_init__(self) -> None:
        if min(self.time_width, self.mel_width) < 1 or min(self.n_time, self.n_mel) < 0:
            raise EarShotError(
                got=f"time_width={self.time_width}, mel_width={self.mel_width}, "
                f"n_time={self.n_time}, n_mel={self.n_mel}",
                expected="widths of at least 1 and counts of at least 0",
                mend="Set a count to 0 to leave its stripes out.",
            )


class SpecAugment(nn.Module):
    """Masks stripes drawn for each clip; outside training it gives the input back.

    Source: arXiv:1904.08779, without the time warp; stripes as PANNs draws them, arXiv:1912.10211.
    Differs: a stripe may touch the last frame and band, and lies within the clip's real frames.
    """

    def __init__(self, config: SpecAugmentConfig | None = None) -> None:
        super().__init__()
        self.config = config or SpecAugmentConfig()

    def forward(
        self,
        log_mel: Tensor,
        n_frames: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """log_mel [batch, n_mels, frames] or [batch, views, n_mels, frames] -> the same shape.

        `n_frames` [batch] keeps stripes to real frames; None means that all are. The views of a
        clip share their stripes. Masked values are 0, or the mean of the clip's own real frames.
        Draws from `generator`, else from torch's own for the device of `log_mel`.
        """
        if not self.training:
            return log_mel
        config, (batch, (n_mels, frames)) = self.config, (len(log_mel), log_mel.shape[-2:])
        if n_frames is None:
            n_frames = torch.full((batch,), frames)
        n_frames = n_frames.to(log_mel.device)
        bands = torch.full_like(n_frames, n_mels)
        in_time = stripes(n_frames, frames, config.n_time, config.time_width, generator)
        in_mel = stripes(bands, n_mels, config.n_mel, config.mel_width, generator)
        masked = in_time[:, None, :] | in_mel[:, :, None]  # [batch, n_mels, frames]
        real = torch.arange(frames, device=log_mel.device) < n_frames[:, None]
        real = real[:, None].expand(-1, n_mels, -1)  # [batch, n_mels, frames]
        if log_mel.dim() == 4:
            masked, real = masked[:, None], real[:, None].expand(log_mel.shape)
        if config.fill == "zero":
            return log_mel.masked_fill(masked & real, 0.0)
        inner = tuple(range(1, log_mel.dim()))
        total = torch.where(real, log_mel, 0.0).float().sum(inner, keepdim=True)
        mean = (total / real.sum(inner, keepdim=True).clamp(min=1)).to(log_mel.dtype)
        return torch.where(masked & real, mean, log_mel)


def stripes(
    n_real: Tensor, size: int, count: int, width: int, generator: torch.Generator | None = None
) -> Tensor:
    """Where `count` stripes fall: n_real [batch] -> [batch, size], True inside a stripe.

    Each is 0 to `width` - 1 wide, never as wide as the clip's `n_real`, at a place drawn evenly
    among those that lie within it.
    """
    device = generator.device if generator is not None else n_real.device
    draw = torch.rand(2, len(n_real), count, generator=generator, device=device).to(n_real.device)
    real = n_real[:, None]  # [batch, 1]
    wide = (draw[0] * real.clamp(max=width)).long()  # [batch, count]
    begin = (draw[1] * (real - wide + 1)).long()
    place = torch.arange(size, device=n_real.device)[:, None]  # [size, 1]
    inside = (place >= begin[:, None]) & (place < (begin + wide)[:, None])  # [batch, size, count]
    return inside.any(-1)
