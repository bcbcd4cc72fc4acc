"""PANNs' CNNs with their published parameter names: the classic audio tower of CLAP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known
from earshot.encoders.states import LayerStates
from earshot.layers.mixup import mix_pairs
from earshot.layers.pooling import padding_of
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig

Decision = Literal["max", "mean", "attention"]


@dataclass(frozen=True)
class CnnConfig:
    """Sizes of a PANNs CNN; the defaults are Cnn14's. Source: arXiv:1912.10211, Table II."""

    n_mels: int = 64
    channels: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    kernel: int = 3
    convs_per_block: int = 2
    n_pools: int = 5  # blocks that halve time and frequency; later ones do not
    dim: int = 2048
    n_classes: int = 527  # of the AudioSet head; 0 leaves it out
    block_dropout: float = 0.2
    dropout: float = 0.5
    decision: Decision | None = None  # of every segment; the clip is joined from these decisions
    spec_augment: SpecAugmentConfig | None = None  # while training, after bn0 and before mixup
    silence_db: float | None = None  # what clips below min_frames go on in; refused if left out

    @classmethod
    def cnn14(cls) -> CnnConfig:
        """80.8 M parameters; released with `dim` 512, 128 and 32, and `n_mels` 32 and 128, too."""
        return cls()

    @classmethod
    def cnn10(cls) -> CnnConfig:
        """5.2 M parameters."""
        return cls(channels=(64, 128, 256, 512), n_pools=4, dim=512)

    @classmethod
    def cnn6(cls) -> CnnConfig:
        """4.8 M parameters: one 5x5 convolution a block."""
        return cls(channels=(64, 128, 256, 512), kernel=5, convs_per_block=1, n_pools=4, dim=512)

    @property
    def min_frames(self) -> int:
        """The fewest frames that leave one after all halvings."""
        return 2**self.n_pools


class ConvBlock(nn.Module):
    """One or two convolutions, each with batch norm and ReLU; padded frames stay zero."""

    def __init__(self, n_in: int, n_out: int, kernel: int, n_convs: int):
        super().__init__()
        self.n_convs = n_convs
        for i in range(1, n_convs + 1):
            conv = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=False)
            nn.init.xavier_uniform_(conv.weight)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(n_out))
            n_in = n_out

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, channels, frames, n_mels]; padding [batch, 1, frames, 1]."""
        for i in range(1, self.n_convs + 1):
            conv, norm = self.get_submodule(f"conv{i}"), self.get_submodule(f"bn{i}")
            hidden = F.relu(norm(conv(hidden))).masked_fill(padding, 0.0)
        return hidden


class PannsCnn(nn.Module):
    """Convolutions over the log-mel; mean over frequency, then max plus mean over time.

    Padded frames are zeroed before every convolution, which is what its own border padding is:
    a clip gives the same embedding alone and in a batch. `shares` [batch], where they are given,
    mix clips 2i and 2i + 1 on their normalised log-mels: the batch is then half as large.
    Source: arXiv:1912.10211, sections III-A and V-D.
    """

    def __init__(self, config: CnnConfig):
        super().__init__()
        self.config, self.dim = config, config.dim
        self.bn0 = nn.BatchNorm2d(config.n_mels)  # over mel bins, not over the one channel
        n_in = 1
        for i, n_out in enumerate(config.channels, 1):
            self.add_module(
                f"conv_block{i}", ConvBlock(n_in, n_out, config.kernel, config.convs_per_block)
            )
            n_in = n_out
        self.fc1 = nn.Linear(n_in, config.dim)
        self.fc_audioset = nn.Linear(config.dim, config.n_classes) if config.n_classes else None
        for layer in (self.fc1, self.fc_audioset):
            if layer is not None:
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        self.spec_augment = SpecAugment(config.spec_augment) if config.spec_augment else None

    @property
    def position_frames(self) -> float:
        """Frames that a position of `layers` stands for."""
        return float(2**self.config.n_pools)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] in dB, n_frames [batch] -> embedding [batch, dim]."""
        return F.dropout(self.tagging(log_mel, n_frames), self.config.dropout, self.training)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The last block's states, averaged over frequency; earlier ones have other widths."""
        hidden, n_real = self.maps(log_mel, n_frames)
        return LayerStates((hidden.mean(3).transpose(1, 2),), n_real)

    def logits(self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None) -> Tensor:
        """What the AudioSet head says before its sigmoid, [batch, n_classes]."""
        self._need_head()
        return self.fc_audioset(self.tagging(log_mel, n_frames, shares))

    def tagging(self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None) -> Tensor:
        """The embedding before its dropout: what the head reads."""
        hidden, n_real = self.maps(log_mel, n_frames, shares)
        hidden = hidden.mean(3)  # [batch, channels, frames]
        padding = padding_of(n_real, hidden.shape[2])[:, None]
        loudest = hidden.masked_fill(padding, -torch.inf).amax(2)
        mean = hidden.masked_fill(padding, 0.0).sum(2) / n_real[:, None]
        hidden = F.dropout(loudest + mean, self.config.dropout, self.training)
        return F.relu(self.fc1(hidden))

    def maps(
        self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The last block's maps [batch, channels, frames, n_mels] and their real frames [batch]."""
        return self.blocks(*self.image(log_mel, n_frames, shares))

    def image(
        self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The normalised log-mel [batch, 1, frames, n_mels], augmented and mixed in training."""
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_mels, "frames"),
            mend="Give the log-mel and this CNN the same n_mels.",
        )
        if config.silence_db is not None:
            log_mel, n_frames = lengthen(log_mel, n_frames, config.min_frames, config.silence_db)
        check_length(n_frames, config.min_frames)
        hidden = self.bn0(log_mel[..., None]).permute(0, 3, 2, 1)  # [batch, 1, frames, n_mels]
        if self.spec_augment is not None:
            plain = self.spec_augment(hidden[:, 0].transpose(1, 2), n_frames)
            hidden = plain.transpose(1, 2)[:, None]
        hidden = hidden.masked_fill(padding_of(n_frames, hidden.shape[2])[:, None, :, None], 0.0)
        return mixed(hidden, n_frames, shares)

    def blocks(
        self, hidden: Tensor, n_frames: Tensor, first: int = 1, last: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Blocks `first` to `last`: [batch, channels, frames, n_mels] and n_frames to the same."""
        config = self.config
        for i in range(first, (last or len(config.channels)) + 1):
            padding = padding_of(n_frames, hidden.shape[2])[:, None, :, None]
            hidden = self.get_submodule(f"conv_block{i}")(hidden, padding)
            if i <= config.n_pools:
                hidden, n_frames = F.avg_pool2d(hidden, 2), n_frames // 2
                # a pooled frame that is half padding does not exist for the clip alone
                padding = padding_of(n_frames, hidden.shape[2])[:, None, :, None]
                hidden = hidden.masked_fill(padding, 0.0)
            hidden = F.dropout(hidden, config.block_dropout, self.training)
        return hidden, n_frames

    def _need_head(self) -> None:
        if not self.config.n_classes:
            raise EarShotError(
                got="n_classes=0",
                expected="a tagger with a head",
                mend="Build the CNN with n_classes above 0.",
            )


def check_length(n_frames: Tensor, least: int) -> None:
    """Refuse clips of which the poolings would leave nothing."""
    if values_are_known() and bool((n_frames < least).any()):
        raise EarShotError(
            got=f"a clip of {int(n_frames.min())} frames",
            expected=f"at least {least}",
            mend="Fill short clips to the window first (fill='tile' or 'repeatpad').",
        )


def lengthen(frames: Tensor, n_frames: Tensor, least: int, value: float) -> tuple[Tensor, Tensor]:
    """Clips of fewer than `least` frames go on in `value` up to there; others are as they were."""
    frames = F.pad(frames, (0, max(0, least - frames.shape[2])), value=value)
    added = padding_of(n_frames, frames.shape[2]) & (n_frames < least)[:, None]
    return frames.masked_fill(added[:, None], value), n_frames.clamp(min=least)


def mixed(hidden: Tensor, n_real: Tensor, shares: Tensor | None) -> tuple[Tensor, Tensor]:
    """Neighbours of a batch mixed by `shares`, each pair as long as its longer one."""
    if shares is None:
        return hidden, n_real
    return mix_pairs(hidden, shares.to(hidden)), torch.maximum(n_real[0::2], n_real[1::2])
