"""Masked prediction over an encoder that is shown the visible patches alone, as BEATs does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsEncoder
from earshot.layers.deepnorm_transformer import DeepNormTransformer
from earshot.layers.patch_mask import random_mask
from earshot.layers.pooling import padding_of

Labels = Callable[[Tensor, Tensor], Tensor]  # (log_mel, n_frames) -> codes [batch, patches]


@dataclass(frozen=True)
class MaskedLabelsConfig:
    """What is hidden, what is asked about it, and what answers."""

    target: Literal["labels", "pixels"] = "labels"  # pixels: the baseline, reconstruction
    share: float = 0.75  # of the patches that hold sound are hidden
    predictor_depth: int = 3  # layers over visible and hidden patches; goes after pre-training
    label_smoothing: float = 0.1
    shuffled: bool = False  # the control: the labels of another clip are to be told

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.predictor_depth < 1 or not 0 <= self.label_smoothing < 1:
            raise EarShotError(
                got=f"share={self.share:g}, predictor_depth={self.predictor_depth}, "
                f"label_smoothing={self.label_smoothing:g}",
                expected="a share between 0 and 1, a layer or more, and a smoothing below 1",
                mend="BEATs hides 0.75.",
            )


class MaskedLabels(nn.Module):
    """Tell the labels (or draw the pixels) of hidden patches from those that are seen.

    The encoder gets visible patches alone, with their places: a hidden one is nothing to its
    positional convolution, and distances are those of the whole clip. A shallow transformer then
    reads the encoded patches with a learnt vector in each hidden place, and a linear layer answers.
    Source: arXiv:2212.09058, section 3.3, Eq. 6; arXiv:2111.06377 for pixels.
    """

    def __init__(self, encoder: BeatsEncoder, config: MaskedLabelsConfig, n_codes: int) -> None:
        super().__init__()
        self.encoder, self.config = encoder, config
        trunk = encoder.config.transformer
        self.mask_embed = nn.Parameter(torch.randn(encoder.dim) * 0.02)
        self.label_predictor = DeepNormTransformer(replace(trunk, depth=config.predictor_depth))
        n_answers = encoder.grid.n_pixels if config.target == "pixels" else n_codes
        self.head = nn.Linear(encoder.dim, n_answers)

    def forward(
        self, log_mel: Tensor, n_frames: Tensor, labels_of: Labels | None = None
    ) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss", and what is logged with it.

        `labels_of` makes the labels of the whole, unhidden clips: needed unless pixels are drawn.
        The loss is the mean over hidden patches: cross-entropy in nats, or the squared error.
        Masks come from torch's own generator.
        """
        patches, padding = self.encoder.patches(log_mel, n_frames)
        mask = random_mask(~padding, self.config.share)
        answers = self.answers(patches, padding, mask)[mask]  # [hidden, n_answers]
        if self.config.target == "pixels":
            wanted = patches.roll(1, 0) if self.config.shuffled else patches
            return {"loss": F.mse_loss(answers.float(), wanted[mask])}
        if labels_of is None:
            raise EarShotError(
                got="no labels", expected="a tokenizer", mend='Pass labels_of, or target="pixels".'
            )
        labels = labels_of(log_mel, n_frames)
        labels = (labels.roll(1, 0) if self.config.shuffled else labels)[mask]
        smoothing = self.config.label_smoothing
        loss = F.cross_entropy(answers.float(), labels, label_smoothing=smoothing)
        return {"loss": loss, "accuracy": (answers.argmax(1) == labels).float().mean()}

    def answers(self, patches: Tensor, padding: Tensor, mask: Tensor) -> Tensor:
        """[batch, patches, n_answers] of pixels [batch, patches, n], of which `mask` hides some."""
        trunk = self.encoder.encoder
        seen = ~mask & ~padding
        placed = trunk.place(self.encoder.embed(patches), ~seen)
        n_seen = seen.sum(1)
        most = int(n_seen.max())
        place = (~seen).to(torch.int8).argsort(dim=1, stable=True)[:, :most]  # seen ones in order
        index = place[..., None].expand(-1, -1, placed.shape[2])
        absent = padding_of(n_seen, most)
        encoded = trunk.states(placed.gather(1, index), absent, place)[-1]
        encoded = torch.where(absent[..., None], self.mask_embed, encoded).to(encoded.dtype)
        whole = self.mask_embed.to(encoded.dtype).expand(placed.shape).scatter(1, index, encoded)
        return self.head(self.label_predictor(whole, padding))
