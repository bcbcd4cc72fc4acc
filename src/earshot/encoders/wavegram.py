"""PANNs' Wavegram: a picture that is learnt from the waveform, alone or beside the log-mel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.panns import (
    CnnConfig,
    ConvBlock,
    PannsCnn,
    check_length,
    lengthen,
    mixed,
)
from earshot.layers.pooling import padding_of

KERNEL = 11  # of the first convolution, in samples


@dataclass(frozen=True)
class WavegramConfig:
    """Sizes of a Wavegram-CNN; the defaults are Wavegram-Logmel-CNN14's."""

    cnn: CnnConfig = field(default_factory=CnnConfig)
    log_mel: bool = True  # beside the log-mel; alone if not
    stem: int = 64  # channels of the first convolution
    stride: int = 5  # samples, of the first convolution
    channels: tuple[int, ...] = (64, 128, 128)
    pools: tuple[int, ...] = (4, 4, 4)  # of each block
    n_groups: int = 4  # images that the last channels are laid out as

    def __post_init__(self) -> None:
        rows, left = divmod(self.channels[-1], self.n_groups)
        if left or rows != self.cnn.n_mels // 2 or len(self.pools) != len(self.channels):
            raise EarShotError(
                got=f"{self.channels[-1]} channels in {self.n_groups} images beside "
                f"{self.cnn.n_mels} mels, and {len(self.pools)} pools",
                expected="images half as high as there are mels, and a pool for each block",
                mend="Set channels[-1] to n_groups * n_mels / 2.",
            )
        if self.cnn.convs_per_block != 2 or self.cnn.decision is not None:
            raise EarShotError(
                got="a CNN of single convolutions or of decisions",
                expected="blocks of two convolutions and a head over the clip",
                mend="Start from CnnConfig.cnn14().",
            )

    @classmethod
    def cnn14(cls) -> WavegramConfig:
        """Wavegram-CNN14, on the waveform alone: 81.0 M parameters."""
        return cls(log_mel=False)

    @classmethod
    def logmel_cnn14(cls) -> WavegramConfig:
        """Wavegram-Logmel-CNN14: 81.1 M parameters."""
        return cls()

    @property
    def hop(self) -> int:
        """Samples that one column of the picture stands for, before the CNN's own poolings."""
        return self.stride * math.prod(self.pools)


class WaveBlock(nn.Module):
    """Two convolutions over time, the second dilated, each with batch norm and ReLU; max-pool."""

    def __init__(self, n_in: int, n_out: int, pool: int):
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv1d(n_in, n_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv1d(n_out, n_out, 3, padding=2, dilation=2, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm1d(n_out), nn.BatchNorm1d(n_out)
        nn.init.xavier_uniform_(self.conv1.weight)
        nn.init.xavier_uniform_(self.conv2.weight)

    def forward(self, hidden: Tensor, n_real: Tensor) -> tuple[Tensor, Tensor]:
        """hidden [batch, channels, positions], n_real [batch] -> both after the pooling."""
        padding = padding_of(n_real, hidden.shape[2])[:, None]
        hidden = F.relu(self.bn1(self.conv1(hidden))).masked_fill(padding, 0.0)
        hidden = F.relu(self.bn2(self.conv2(hidden))).masked_fill(padding, 0.0)
        hidden, n_real = F.max_pool1d(hidden, self.pool), n_real // self.pool
        padding = padding_of(n_real, hidden.shape[2])[:, None]
        return hidden.masked_fill(padding, 0.0), n_real


class WavegramCnn(PannsCnn):
    """A CNN over a picture learnt from the waveform, or over that beside the log-mel.

    Alone it hears `log_mel` [batch, 1, samples], from the front end Waveform without unit variance.
    With the log-mel it hears [batch, n_mels + hop, frames]: under the bands of each frame the
    samples of one hop (`LogMelConfig.with_samples`), of which whole hops before the last frame
    count, so that both branches have the same columns for any length; where the released code
    takes a clip at all (10 s, or an even number of hops), this is what it takes.
    `conv_block1` and `bn0` are in the released Wavegram-CNN14 and used by nothing there.
    Source: arXiv:1912.10211, sections III-D and III-E.
    """

    def __init__(self, config: WavegramConfig):
        super().__init__(config.cnn)
        self.wave, cnn = config, config.cnn
        self.pre_conv0 = nn.Conv1d(
            1, config.stem, KERNEL, stride=config.stride, padding=KERNEL // 2, bias=False
        )
        nn.init.xavier_uniform_(self.pre_conv0.weight)
        self.pre_bn0 = nn.BatchNorm1d(config.stem)
        n_in = config.stem
        for i, (n_out, pool) in enumerate(zip(config.channels, config.pools, strict=True), 1):
            self.add_module(f"pre_block{i}", WaveBlock(n_in, n_out, pool))
            n_in = n_out
        n_first = cnn.channels[0]
        last = len(config.channels) + 1
        self.add_module(
            f"pre_block{last}", ConvBlock(config.n_groups, n_first, cnn.kernel, cnn.convs_per_block)
        )
        if config.log_mel:
            self.conv_block2 = ConvBlock(
                2 * n_first, cnn.channels[1], cnn.kernel, cnn.convs_per_block
            )

    @property
    def position_frames(self) -> float:
        """Frames that a position of `layers` stands for; samples, where it hears those alone."""
        return super().position_frames * (1 if self.wave.log_mel else self.wave.hop)

    def maps(
        self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The last block's maps [batch, channels, frames, n_mels] and their real frames [batch]."""
        if not self.wave.log_mel:
            check_shape(
                "log_mel",
                log_mel,
                ("batch", 1, "samples"),
                mend="Set model.waveform, and model.features=none.",
            )
            picture, n_real = self.picture(log_mel[:, 0], n_frames)
            return self.blocks(*mixed(picture, n_real, shares), first=2)
        bands, samples = self._parts(log_mel)
        n_whole = (n_frames - 1) * self.wave.hop
        wave = samples.transpose(1, 2).flatten(1)  # [batch, frames * hop]
        wave = wave.masked_fill(padding_of(n_whole, wave.shape[1]), 0.0)
        picture, n_columns = self.picture(wave, n_whole)
        picture, n_columns = mixed(picture, n_columns, shares)
        hidden, n_real = self.blocks(*self.image(bands, n_frames, shares), last=1)
        n_real = n_real.minimum(n_columns)
        width = min(picture.shape[2], hidden.shape[2])
        picture = F.dropout(picture, self.config.block_dropout, self.training)
        hidden = torch.cat([hidden[:, :, :width], picture[:, :, :width]], dim=1)
        padding = padding_of(n_real, width)[:, None, :, None]
        return self.blocks(hidden.masked_fill(padding, 0.0), n_real, first=2)

    def picture(self, wave: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """wave [batch, samples], zero past n_samples [batch] -> the wavegram after its ConvBlock.

        [batch, channels, columns, rows] and its real columns [batch]; a column is two hops.
        """
        config, least = self.wave, self.wave.hop * self.config.min_frames
        if self.config.silence_db is not None:
            wave, n_samples = lengthen(wave[:, None], n_samples, least, 0.0)
            wave = wave[:, 0]
        check_length(n_samples // config.hop, self.config.min_frames)
        hidden = F.relu(self.pre_bn0(self.pre_conv0(wave[:, None])))
        n_real = (n_samples - 1) // config.stride + 1
        hidden = hidden.masked_fill(padding_of(n_real, hidden.shape[2])[:, None], 0.0)
        last = len(config.channels) + 1
        for i in range(1, last):
            hidden, n_real = self.get_submodule(f"pre_block{i}")(hidden, n_real)
        hidden = hidden.unflatten(1, (config.n_groups, -1)).transpose(2, 3)  # [.., columns, rows]
        padding = padding_of(n_real, hidden.shape[2])[:, None, :, None]
        hidden = self.get_submodule(f"pre_block{last}")(hidden, padding)
        hidden, n_real = F.avg_pool2d(hidden, (2, 1)), n_real // 2
        padding = padding_of(n_real, hidden.shape[2])[:, None, :, None]
        return hidden.masked_fill(padding, 0.0), n_real

    def _parts(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """The bands and the samples of each frame."""
        n_mels, hop = self.config.n_mels, self.wave.hop
        check_shape(
            "log_mel",
            frames,
            ("batch", n_mels + hop, "frames"),
            mend=f"Set features.with_samples=true and features.hop_length={hop}.",
        )
        return frames[:, :n_mels], frames[:, n_mels:]
