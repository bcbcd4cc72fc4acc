"""The audio tower of earshot-small: convolutions that ignore padding, attention that sees order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.positions import sinusoids
from earshot.layers.transformer import Transformer


@dataclass(frozen=True)
class EarshotCnnConfig:
    """Sizes of an EarshotCnn; time and frequency are halved once for every width."""

    n_mels: int = 64
    widths: tuple[int, ...] = (32, 64, 128, 256)  # channels of each stage
    dim: int = 256
    depth: int = 1  # transformer blocks over the steps
    n_heads: int = 4
    dropout: float = 0.2
    floor_db: float = 50.0  # what lies further below the clip's mean level is not heard
    mean_db: float = -25.0  # what a levelled log-mel is centred by ...
    std_db: float = 20.0  # ... and divided by

    def __post_init__(self) -> None:
        if not self.widths or self.n_mels % 2 ** len(self.widths):
            raise EarShotError(
                got=f"n_mels={self.n_mels} with {len(self.widths)} widths",
                expected="n_mels that can be halved once for every width",
                mend="Use 64 mels and at most six widths.",
            )


class MaskedConv(nn.Module):
    """Convolution, batch norm, ReLU; what lies past each clip's end is zero again afterwards."""

    def __init__(self, n_in: int, n_out: int, *, kernel: int = 3, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, hidden: Tensor, padding: Tensor | None) -> Tensor:
        """hidden [batch, channels, frames, bands]; padding [batch, frames], None: no frame is."""
        hidden = F.relu(self.norm(self.conv(hidden)))
        return hidden if padding is None else hidden * ~padding[:, None, :, None]


class EarshotCnn(nn.Module):
    """Level the clip, convolve, attend over time; mean, maximum and attended mean become one row.

    The level of the clip is taken out first, so that quiet and loud recordings read alike. Padding
    and batch-mates never change a row: masks after every convolution, running statistics in eval.
    Source: after arXiv:1912.10211 (convolution blocks, mean and maximum over time).
    Differs: stride in the first layer, frequency kept to the end, attention with positions.
    """

    def __init__(self, config: EarshotCnnConfig):
        super().__init__()
        self.config, self.dim = config, 3 * config.dim
        widths = config.widths
        first = [MaskedConv(1, widths[0], kernel=5, stride=2), MaskedConv(widths[0], widths[0])]
        later = [
            nn.ModuleList([MaskedConv(n_in, n_out), MaskedConv(n_out, n_out)])
            for n_in, n_out in zip(widths, widths[1:], strict=False)
        ]
        self.stages = nn.ModuleList([nn.ModuleList(first), *later])
        n_bands = config.n_mels // 2 ** len(widths)
        self.squeeze = nn.Linear(widths[-1] * n_bands, config.dim)
        self.norm = nn.LayerNorm(config.dim)
        self.blocks = Transformer(
            config.dim, config.depth, config.n_heads, mlp_ratio=2.0, dropout=config.dropout / 2
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] in dB, n_frames [batch] -> [batch, 3 * dim]."""
        return self.pooled(*self.steps(log_mel, n_frames))

    @property
    def position_frames(self) -> float:
        """Frames of a step."""
        return float(2 ** len(self.config.widths))

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The convolutions' steps, and what attention makes of them."""
        steps, padding = self.steps(log_mel, n_frames)
        places = sinusoids(*steps.shape[1:]).to(steps)
        ordered = self.blocks(steps + places, padding)
        return LayerStates((steps, ordered), (~padding).sum(1))

    def pooled(self, steps: Tensor, padding: Tensor) -> Tensor:
        """One row [batch, 3 * dim] of steps [batch, steps, dim] where padding is False."""
        places = sinusoids(*steps.shape[1:]).to(steps)
        ordered = self.blocks(steps + places, padding)
        largest = steps.masked_fill(padding[..., None], -torch.inf).amax(1)  # [batch, dim]
        pooled = [mean_of_real(steps, padding), largest, mean_of_real(ordered, padding)]
        return self.drop(torch.cat(pooled, dim=1))

    def steps(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """What is heard in each step [batch, steps, dim], and the padding [batch, steps]."""
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_mels, "frames"),
            mend="Give the log-mel and this encoder the same n_mels.",
        )
        hidden = self.levelled(log_mel, n_frames).transpose(1, 2)[:, None]
        hidden = F.pad(hidden, (0, 0, 0, -hidden.shape[2] % 2 ** len(config.widths)))
        hidden = hidden.contiguous(memory_format=torch.channels_last)
        padding = padding_of(n_frames, hidden.shape[2])
        for i, stage in enumerate(self.stages):
            if i:
                hidden = F.avg_pool2d(hidden, 2)
            padding = padding[:, ::2]  # a step is real when its first frame is
            some = not values_are_known() or bool(padding.any())
            mask = padding if some else None
            for conv in stage:
                hidden = conv(hidden, mask)  # [batch, channels, frames, bands]
        hidden = self.drop(hidden.permute(0, 2, 1, 3).flatten(2))  # [batch, steps, channels*bands]
        return F.relu(self.norm(self.squeeze(hidden))), padding

    def levelled(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """The log-mel relative to the clip's mean power, floored, scaled; 0 where padded."""
        config = self.config
        padding = padding_of(n_frames, log_mel.shape[2])[:, None]  # [batch, 1, frames]
        power = (10 ** (log_mel.float() / 10)).masked_fill(padding, 0.0)
        mean = power.sum((1, 2)) / (n_frames * config.n_mels)  # [batch]
        relative = power / mean.clamp(min=1e-12)[:, None, None] + 10 ** (-config.floor_db / 10)
        scaled = (10 * relative.log10() - config.mean_db) / config.std_db
        return scaled.masked_fill(padding, 0.0)
