"""Clips longer than the window as one embedding: fusion of four views, or squeezed to fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from earshot.features.fusion import fuse_views


@dataclass(frozen=True)
class LongClips:
    """How a log-mel of more frames than the window becomes one embedding.

    "fusion": the whole clip squeezed to the window, and three windows cut from its three thirds,
    all four handed to a fused encoder. While training the cuts are random; otherwise each lies in
    the middle of its third, so an embedding never changes from call to call.
    "resize": the squeezed whole clip alone, for any encoder.
    Source: arXiv:2211.06687, section 3.3.
    """

    how: Literal["fusion", "resize"]

    def fit(
        self, log_mel: Tensor, n_frames: Tensor, window: int, *, training: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What the encoder reads, and what it needs to know beside the number of frames.

        log_mel [batch, n_mels, frames], n_frames [batch], each at least `window` frames, become
        [batch, n_mels, window] and nothing, or [batch, 4, n_mels, window] and is_longer [batch].
        """
        draw = torch.default_generator if training else None
        fused = fuse_views(log_mel, n_frames, window, generator=draw)
        if self.how == "resize":
            return fused.views[:, 0], ()
        return fused.views, (fused.is_longer,)
