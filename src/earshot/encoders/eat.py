"""EAT: square patches of a filter bank, one learnt token, blocks that normalise after each sum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.patches import fill_frames
from earshot.encoders.states import LayerStates
from earshot.layers.grid_positions import grid_positions
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.post_norm_transformer import EPSILON, PostNormBlock, PostNormConfig


@dataclass(frozen=True)
class EatConfig:
    """Sizes of the encoder; the defaults are those of the released base model."""

    n_mels: int = 128
    patch: int = 16  # bands and frames a patch, which do not overlap
    most_times: int = 768  # patches after one another that there are places for
    n_frames: int = 1_024  # that every clip is filled up to, 10.24 s; 0: real ones alone count
    fill: float = 0.0  # what a number of padding is: `KaldiFbank.pad_value` of the front end
    n_classes: int = 0  # of the classifier of a fine-tuned model; none with 0
    pooling: Literal["cls", "mean"] = "cls"  # what stands for a clip: the learnt token, or the mean
    transformer: PostNormConfig = field(default_factory=PostNormConfig)

    def __post_init__(self) -> None:
        longest = self.most_times * self.patch
        if (
            self.patch < 1
            or self.n_mels < self.patch
            or self.transformer.dim % 4
            or not 0 <= self.n_frames <= longest
            or self.n_frames % self.patch
        ):
            raise EarShotError(
                got=f"n_mels={self.n_mels}, patch={self.patch}, n_frames={self.n_frames}",
                expected=f"a patch of at most n_mels bands, a dim that 4 divides, and n_frames of "
                f"whole patches, at most {longest}",
                mend="The released model has 128, 16 and 1024.",
            )

    @property
    def n_bands(self) -> int:
        """Patches above one another."""
        return self.n_mels // self.patch

    @classmethod
    def base(cls) -> EatConfig:
        """EAT-base: 85.3 M weights, beside its table of places."""
        return cls()

    @classmethod
    def large(cls) -> EatConfig:
        """EAT-large."""
        return cls(transformer=PostNormConfig(dim=1_024, depth=24, n_heads=16, mlp_dim=4_096))


class EatEncoder(nn.Module):
    """Patches, time after time and from low bands to high, behind one learnt token.

    With `n_frames` every clip is filled up to as many frames, as the released models were trained,
    and the filling is attended to. Without, patches that hold no sound are masked.
    Source: arXiv:2401.03497, Sec. 3, and its released code, whose names of weights these are.
    """

    def __init__(self, config: EatConfig) -> None:
        super().__init__()
        self.config, self.dim = config, config.transformer.dim
        self.position_frames = float(config.patch)
        self.proj = nn.Conv2d(1, self.dim, config.patch, stride=config.patch)  # over time by band
        self.extra_tokens = nn.Parameter(torch.zeros(1, 1, self.dim))
        nn.init.normal_(self.extra_tokens, std=0.02)
        places = grid_positions(config.most_times, config.n_bands, self.dim)
        self.register_buffer("positions", places[None])
        self.norm = nn.LayerNorm(self.dim, EPSILON)
        self.blocks = nn.ModuleList(
            PostNormBlock(config.transformer) for _ in range(config.transformer.depth)
        )
        self.labels: tuple[str, ...] = ()
        classified = bool(config.n_classes)
        self.fc_norm = nn.LayerNorm(self.dim, EPSILON) if classified else None
        self.head = nn.Linear(self.dim, config.n_classes) if classified else None

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> [batch, dim], as `pooling` says."""
        hidden, padding = self.hidden(log_mel, n_frames)
        if self.config.pooling == "cls":
            return hidden[:, 0]
        return mean_of_real(hidden[:, 1:], padding[:, 1:])

    def hidden(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """The last block's states [batch, 1 + patches, dim], the learnt token first; padding."""
        patches, padding = self.patches(log_mel, n_frames)
        *_, last = self._states(patches, padding)
        return last, padding

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """Every block's states over time, each the mean of its patches' from low band to high."""
        patches, padding = self.patches(log_mel, n_frames)
        states = self._states(patches, padding)
        rows = tuple(each[:, 1:].unflatten(1, (-1, self.config.n_bands)).mean(2) for each in states)
        heard = (n_frames + self.config.patch - 1) // self.config.patch
        return LayerStates(rows, heard.clamp(1, rows[0].shape[1]))

    def class_probabilities(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Of a fine-tuned model: the sigmoid of its classes, [batch, n_classes]."""
        if self.head is None or self.fc_norm is None:
            raise EarShotError(
                got="an EAT without a classifier",
                expected="a fine-tuned one",
                mend="Load a fine-tuned checkpoint, such as EAT-base_epoch30_finetune_AS2M.",
            )
        hidden, _ = self.hidden(log_mel, n_frames)
        return self.head(self.fc_norm(hidden[:, 0])).sigmoid()

    def patches(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Embedded patches with their places [batch, patches, dim], and padding of 1 + patches.

        Frames past `n_frames` of the config are not heard.
        """
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_mels, "frames"),
            mend="Give the front end and this encoder the same number of bands.",
        )
        longest = config.n_frames or config.most_times * config.patch
        times = min(longest, -(-log_mel.shape[2] // config.patch) * config.patch)
        length = config.n_frames or max(times, config.patch)
        filled = fill_frames(log_mel[..., :length], n_frames, length, config.fill)
        embedded = self.proj(filled.transpose(1, 2)[:, None])  # [batch, dim, times, bands]
        embedded = embedded.flatten(2).transpose(1, 2)  # [batch, patches, dim], time after time
        embedded = embedded + self.positions[:, : embedded.shape[1]]
        n_times = (n_frames + config.patch - 1) // config.patch
        if config.n_frames:
            n_times = torch.full_like(n_times, length // config.patch)
        n_real = 1 + n_times.clamp(1, length // config.patch) * config.n_bands
        return embedded, padding_of(n_real, 1 + embedded.shape[1])

    def encode(
        self, patches: Tensor, padding: Tensor | None = None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Every block's output [batch, 1 + patches, dim], and what its MLP added to the sum.

        patches [batch, patches, dim], embedded and with their places, all or some of them; padding
        [batch, 1 + patches]. The learnt token comes first.
        """
        first = self.extra_tokens.expand(len(patches), -1, -1)
        hidden = self.norm(torch.cat([first, patches], dim=1))
        states, added = [], []
        for block in self.blocks:
            hidden, more = block(hidden, padding)
            states.append(hidden)
            added.append(more)
        return states, added

    def _states(self, patches: Tensor, padding: Tensor) -> list[Tensor]:
        """The output of every block, [batch, 1 + patches, dim] each."""
        return self.encode(patches, None if self.config.n_frames else padding)[0]
