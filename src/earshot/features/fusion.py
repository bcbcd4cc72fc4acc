"""The four views that a feature-fusion model takes of a clip longer than its window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class FusedViews:
    """Four views of each clip, and which clips they differ for."""

    views: Tensor  # [batch, 4, n_mels, window_frames]
    is_longer: Tensor  # [batch], True where the clip has more frames than the window


def fuse_views(
    log_mel: Tensor,
    n_frames: Tensor,
    window_frames: int = 1_001,
    *,
    generator: torch.Generator | None = None,
) -> FusedViews:
    """View 0: the whole clip, resized; views 1-3: a window from each third of it.

    log_mel [batch, n_mels, frames] with n_frames [batch], each at least `window_frames`: bring
    shorter clips to the window with `repeat_pad` first. A clip of exactly the window is four copies
    of itself. The resizing is linear in time between the centres of frames, without smoothing. The
    windows start in the first, second and last third of the legal starts: in the middle of each
    third, the same at every call; with a `generator`, for training, anywhere in it. A third with no
    start of its own (fewer than three starts) takes the clip's beginning.
    Source: arXiv:2211.06687, Section 3.3. Differs: the released code draws at inference too, and
    `is_longer` here is never set at random.
    """
    check_shape("log_mel", log_mel, ("batch", "n_mels", "frames"), mend="Stack the clips first.")
    n_frames = n_frames.to(log_mel.device, torch.int64)
    if len(n_frames) and int(n_frames.min()) < window_frames:
        raise EarShotError(
            got=f"a clip of {int(n_frames.min())} frames",
            expected=f"at least {window_frames}, the window of the fused model",
            mend="Bring short clips to the window with repeat_pad before the log-mel.",
        )
    starts = window_starts(n_frames - window_frames + 1, generator)  # [batch, 3]
    place = torch.arange(window_frames, device=log_mel.device)
    windows = [_frames_at(log_mel, start[:, None] + place) for start in starts.unbind(1)]
    whole = _resized(log_mel, n_frames, window_frames)
    return FusedViews(torch.stack([whole, *windows], dim=1), n_frames > window_frames)


def window_starts(n_starts: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A start in each third of 0..n_starts-1: [batch] -> [batch, 3].

    The thirds are as even as they can be, the earlier ones longer by one where it does not divide.
    Without a generator the middle of each third, the earlier of two middles.
    """
    third = torch.arange(3, device=n_starts.device)
    size, rest = (n_starts // 3)[:, None], (n_starts % 3)[:, None]
    begin = third * size + torch.minimum(third, rest)  # [batch, 3]
    size = size + (third < rest)
    if generator is None:
        offset = (size - 1).clamp(min=0) // 2
    else:
        draw = torch.rand(
            begin.shape, dtype=torch.float64, generator=generator, device=generator.device
        )
        offset = (draw.to(n_starts.device) * size).long()
    return torch.where(size > 0, begin + offset, 0)


def _resized(log_mel: Tensor, n_frames: Tensor, length: int) -> Tensor:
    """The real frames of each clip, resized to `length` by linear interpolation."""
    wholes = [
        F.interpolate(clip[None, :, :frames], size=length, mode="linear")
        for clip, frames in zip(log_mel, n_frames.tolist(), strict=True)
    ]
    return torch.cat(wholes) if wholes else log_mel[:, :, :length]


def _frames_at(log_mel: Tensor, index: Tensor) -> Tensor:
    """Frames at index [batch, length] -> [batch, n_mels, length]."""
    return log_mel.gather(2, index[:, None].expand(-1, log_mel.shape[1], -1))
