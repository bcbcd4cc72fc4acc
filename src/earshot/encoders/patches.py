"""A spectrogram cut into patches: which shape, which order, which of them hold sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape

Order = Literal["mel", "time"]  # what the first tokens share: the lowest bands, or the first frames


@dataclass(frozen=True)
class PatchConfig:
    """Patches of `height` bands by `width` frames; strides below these sizes make them overlap."""

    n_mels: int = 128
    height: int = 16  # bands
    width: int = 16  # frames
    mel_stride: int | None = None  # bands; the height when left out: no overlap
    time_stride: int | None = None  # frames; the width when left out
    order: Order = "mel"  # mel: row after row, as AST has them; time: column after column, BEATs

    def __post_init__(self) -> None:
        strides = (self.mel_stride or self.height, self.time_stride or self.width)
        if min(self.height, self.width, *strides) < 1 or self.height > self.n_mels:
            raise EarShotError(
                got=f"patches of {self.height} bands by {self.width} frames, strides "
                f"{strides[0]} and {strides[1]}, on {self.n_mels} bands",
                expected="sizes and strides of at least 1, and no more bands than there are",
                mend="Use 16 by 16, or all bands by 2.",
            )

    @property
    def strides(self) -> tuple[int, int]:
        """Bands and frames from one patch to the next."""
        return self.mel_stride or self.height, self.time_stride or self.width

    @property
    def n_rows(self) -> int:
        """Patches above one another; bands that are left over at the top are not seen."""
        return (self.n_mels - self.height) // self.strides[0] + 1

    @property
    def n_pixels(self) -> int:
        """Numbers in a patch."""
        return self.height * self.width

    def whole_columns(self, frames: int) -> int:
        """Patches after one another that lie whole within so many frames, at least 1."""
        return max(0, frames - self.width) // self.strides[1] + 1

    def columns(self, frames: int) -> int:
        """Patches after one another that cover so many frames, the last one filled up."""
        return -(-max(0, frames - self.width) // self.strides[1]) + 1

    def real_columns(self, n_frames: Tensor) -> Tensor:
        """How many columns hold any of n_frames [batch] that fewer columns do not: [batch]."""
        beyond = (n_frames - self.width).clamp(min=0)
        return torch.div(beyond + self.strides[1] - 1, self.strides[1], rounding_mode="floor") + 1

    def frames(self, columns: int) -> int:
        """Frames that so many columns span."""
        return (columns - 1) * self.strides[1] + self.width

    def to_tokens(self, grid: Tensor) -> Tensor:
        """[..., rows, columns] -> [..., tokens] in this order."""
        return (grid if self.order == "mel" else grid.transpose(-1, -2)).flatten(-2)

    def to_grid(self, tokens: Tensor, columns: int) -> Tensor:
        """[..., tokens] in this order -> [..., rows, columns]."""
        if self.order == "mel":
            return tokens.unflatten(-1, (self.n_rows, columns))
        return tokens.unflatten(-1, (columns, self.n_rows)).transpose(-1, -2)

    def real_tokens(self, n_columns: Tensor, columns: int) -> Tensor:
        """True where a token lies in a real column: n_columns [batch] -> [batch, tokens]."""
        real = torch.arange(columns, device=n_columns.device) < n_columns[:, None]
        return self.to_tokens(real[:, None].expand(-1, self.n_rows, -1))


def fill_frames(log_mel: Tensor, n_frames: Tensor, length: int, value: float) -> Tensor:
    """log_mel [batch, n_mels, frames] cut or filled to `length`, `value` from n_frames on."""
    log_mel = F.pad(log_mel, (0, length - log_mel.shape[2]))
    past = torch.arange(length, device=log_mel.device) >= n_frames[:, None]
    return log_mel.masked_fill(past[:, None], value)


def cut_patches(log_mel: Tensor, config: PatchConfig) -> Tensor:
    """The pixels of every patch: [batch, n_mels, frames] -> [batch, tokens, height * width].

    Pixels run along the frames of each band, lowest band first, as a convolution's kernel has
    them. Frames past the last whole patch are not seen: fill up first.
    """
    check_shape(
        "log_mel",
        log_mel,
        ("batch", config.n_mels, "frames"),
        mend="Give the front end and this encoder the same number of bands.",
    )
    rows = log_mel.unfold(1, config.height, config.strides[0])
    patches = rows.unfold(2, config.width, config.strides[1])  # [batch, rows, columns, h, w]
    if config.order == "time":
        patches = patches.transpose(1, 2)
    return patches.flatten(3).flatten(1, 2)


class PatchEmbedding(nn.Module):
    """A vector for every patch: one convolution whose kernel is as large as a patch.

    The state dict has `proj.weight` [dim, 1, height, width] and `proj.bias`, as timm names them.
    Source: arXiv:2104.01778, section 2.1.
    """

    def __init__(self, config: PatchConfig, dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.config = config
        size = (config.height, config.width)
        self.proj = nn.Conv2d(1, dim, size, config.strides, bias=bias)

    def forward(self, log_mel: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] -> [batch, tokens, dim], in the order of the config."""
        check_shape(
            "log_mel",
            log_mel,
            ("batch", self.config.n_mels, "frames"),
            mend="Give the front end and this encoder the same number of bands.",
        )
        return self.config.to_tokens(self.proj(log_mel[:, None])).transpose(1, 2)
