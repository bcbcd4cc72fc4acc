"""Pre-training of a spectrogram transformer on hidden patches, with the released names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.patches import cut_patches
from earshot.encoders.spectrogram_transformer import (
    N_SPECIAL,
    FilledSpectrogram,
    SpectrogramTransformer,
)
from earshot.layers.patch_mask import cluster_mask, random_mask
from earshot.objectives.masked_patches import identification, reconstruction

Task = Literal["identify", "reconstruct"]


@dataclass(frozen=True)
class MaskingConfig:
    """What is hidden, and what is asked about it."""

    share: float = 400 / 512  # of the patches that hold sound
    kind: Literal["clusters", "anywhere"] = "clusters"  # anywhere: for frames, section 2.3
    sides: tuple[int, ...] = (3, 4, 5)  # of a cluster, in patches
    tasks: tuple[Task, ...] = ("identify", "reconstruct")
    weight: float = 10.0  # lambda, of reconstruction beside identification
    transposed: bool = False  # identification over predictions, as the released code has it
    wrong_targets: bool = False  # the control: another clip's patches are to be found

    def __post_init__(self) -> None:
        known = ("identify", "reconstruct")
        if not 0 < self.share < 1 or self.weight <= 0:
            raise EarShotError(
                got=f"share={self.share:g}, weight={self.weight:g}",
                expected="a share between 0 and 1 and a weight above 0",
                mend="SSAST has 400 / 512 and 10.",
            )
        if not self.tasks or set(self.tasks) - set(known) or len(set(self.tasks)) < len(self.tasks):
            raise EarShotError(
                got=f"tasks {', '.join(self.tasks) or 'none'}",
                expected="identify, reconstruct or both",
                mend="Name each at most once.",
            )


class MaskedSpectrogram(nn.Module):
    """Hide patches, run the encoder `v`, tell the hidden patches apart and draw them anew.

    Each task has a pass and a mask of its own. The state dict is that of the released checkpoints
    without `module.`, `v.head` and `v.head_dist`: `v. ...`, `mask_embed`, `cpredlayer.{0,2}`,
    `gpredlayer.{0,2}`. Source: arXiv:2110.09784, section 2.3, Algorithm 1.
    Differs: where padding is masked, only patches with sound are hidden.
    """

    def __init__(self, encoder: SpectrogramTransformer, config: MaskingConfig | None = None):
        super().__init__()
        self.v, self.config = encoder, config or MaskingConfig()
        dim, n_pixels = encoder.dim, encoder.config.patches.n_pixels
        self.mask_embed = nn.Parameter(torch.zeros(1, 1, dim))
        nn.init.trunc_normal_(self.mask_embed, std=0.02)
        self.cpredlayer = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, n_pixels))
        self.gpredlayer = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, n_pixels))

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss" and its parts.

        Parts: "identification" in nats and "accuracy" of it, "reconstruction". Masks come from
        torch's own generator.
        """
        config = self.config
        filled = self.v.filled(log_mel, n_frames)
        pixels = cut_patches(filled.log_mel, self.v.config.patches).detach()
        if config.wrong_targets:
            pixels = pixels.roll(1, 0)
        embedded = self.v.patch_embed(filled.log_mel)
        found: dict[str, Tensor] = {}
        loss = embedded.new_zeros(())
        if "identify" in config.tasks:
            states, target, real = self._hide(embedded, pixels, filled)
            found["identification"], found["accuracy"] = identification(
                self.cpredlayer(states), target, real, transposed=config.transposed
            )
            loss = loss + found["identification"]
        if "reconstruct" in config.tasks:
            states, target, real = self._hide(embedded, pixels, filled)
            found["reconstruction"] = reconstruction(self.gpredlayer(states), target, real)
            alone = config.tasks == ("reconstruct",)
            loss = loss + (1.0 if alone else config.weight) * found["reconstruction"]
        return {"loss": loss, **found}

    def mask(self, filled: FilledSpectrogram) -> Tensor:
        """True where hidden, [batch, tokens], drawn anew."""
        config, patches = self.config, self.v.config.patches
        if config.kind == "anywhere":
            return random_mask(patches.real_tokens(filled.n_columns, filled.columns), config.share)
        grid = (patches.n_rows, filled.columns)
        return patches.to_tokens(
            cluster_mask(filled.n_columns, grid, config.share, sides=config.sides)
        )

    def _hide(
        self, embedded: Tensor, pixels: Tensor, filled: FilledSpectrogram
    ) -> tuple[Tensor, Tensor, Tensor]:
        """States [batch, hidden, dim] of what one mask hides, its pixels, and which are real."""
        mask = self.mask(filled)
        patches = torch.where(mask[..., None], self.mask_embed.to(embedded.dtype), embedded)
        states = self.v.encode(patches, filled)[-1][:, N_SPECIAL:]
        count = mask.sum(1)
        most = int(count.max())
        place = (~mask).to(torch.int8).argsort(dim=1, stable=True)[:, :most]  # hidden ones first
        real = torch.arange(most, device=mask.device) < count[:, None]
        return _take(states, place), _take(pixels, place), real


def _take(tokens: Tensor, place: Tensor) -> Tensor:
    """tokens [batch, tokens, n] at place [batch, hidden] -> [batch, hidden, n]."""
    return tokens.gather(1, place[..., None].expand(-1, -1, tokens.shape[2]))
