"""Clips brought to the length a model wants: repeated or padded when short, cropped when long.

All take `waveform` [batch, samples] with `n_samples` [batch] and give both back. The first three
lengthen the clips shorter than `length` samples and leave longer ones whole; the two crops shorten
the longer ones and leave shorter ones whole, so a crop followed by a repeat fits every clip.
"""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.shapes import values_are_known
from earshot.features.front_end import check_waveform


def zero_pad(waveform: Tensor, n_samples: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Short clips followed by silence."""
    waveform, n_samples = check_waveform(waveform, n_samples)
    return _repeated(waveform, n_samples, length, torch.ones_like(n_samples))


def repeat_pad(waveform: Tensor, n_samples: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Short clips repeated as often as they fit whole, then silence: LAION-CLAP's "repeatpad".

    Source: arXiv:2211.06687, Section 3.3.
    """
    waveform, n_samples = check_waveform(waveform, n_samples)
    return _repeated(waveform, n_samples, length, torch.full_like(n_samples, length) // n_samples)


def repeat_cut(waveform: Tensor, n_samples: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Short clips repeated past `length` and cut there, as Microsoft's CLAP does it."""
    waveform, n_samples = check_waveform(waveform, n_samples)
    return _repeated(waveform, n_samples, length, (n_samples + length - 1) // n_samples)


def centre_crop(waveform: Tensor, n_samples: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Long clips cut to their middle: the same at every call. The earlier of two middles."""
    waveform, n_samples = check_waveform(waveform, n_samples)
    return _cropped(waveform, n_samples, length, (n_samples - length).clamp(min=0) // 2)


def random_crop(
    waveform: Tensor, n_samples: Tensor, length: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Long clips cut at a place drawn for each, every start as likely: for training only."""
    waveform, n_samples = check_waveform(waveform, n_samples)
    device = generator.device if generator is not None else waveform.device
    draw = torch.rand(len(n_samples), dtype=torch.float64, generator=generator, device=device)
    n_starts = (n_samples - length).clamp(min=0) + 1
    start = (draw.to(waveform.device) * n_starts).long()
    return _cropped(waveform, n_samples, length, start)


def _repeated(
    waveform: Tensor, n_samples: Tensor, length: int, n_repeats: Tensor
) -> tuple[Tensor, Tensor]:
    """Short clips `n_repeats` times over, within `length`; zeros after."""
    n_fitted = n_samples.clamp(min=length)
    n_sound = torch.where(n_samples < length, n_repeats * n_samples, n_samples)
    n_sound = torch.minimum(n_sound, n_fitted)
    some_known = values_are_known() and len(n_samples)
    width = max(length, int(n_samples.max())) if some_known else length
    place = torch.arange(width, device=waveform.device)
    repeated = waveform.gather(1, place % n_samples[:, None])  # [batch, width]
    return torch.where(place < n_sound[:, None], repeated, 0.0), n_fitted


def _cropped(
    waveform: Tensor, n_samples: Tensor, length: int, start: Tensor
) -> tuple[Tensor, Tensor]:
    """`length` samples from `start`, or what there is."""
    n_samples = n_samples.clamp(max=length)
    place = torch.arange(min(length, waveform.shape[1]), device=waveform.device)
    index = (start[:, None] + place).clamp(max=waveform.shape[1] - 1)
    return waveform.gather(1, index).masked_fill(place >= n_samples[:, None], 0.0), n_samples
