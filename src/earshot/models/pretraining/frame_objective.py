"""What every way to teach a frame encoder without labels has in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.layers.span_mask import SpanMaskConfig, span_mask


class FrameObjective(nn.Module):
    """An encoder and what it is taught by. `forward(log_mel, n_frames)` gives "loss" and figures.

    Masks and noise come from torch's generator. `after_update` runs after every update of the
    weights.
    """

    causal = False  # whether the encoder must not see what comes

    def __init__(self, encoder: FrameEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        if self.causal and encoder.config.kind != "gru":
            raise EarShotError(
                got=f"{type(self).__name__} with an encoder that sees what comes",
                expected="a causal encoder: the answer would be in what it hears",
                mend="Set model.audio.frames.kind=gru.",
            )

    def after_update(self) -> None:
        """Move what moves by itself: teachers, temperatures."""


class HidesSpans(nn.Module):
    """Puts one learnt vector in the place of hidden latents. Source: arXiv:2006.11477, 3.1."""

    def __init__(self, dim: int, config: SpanMaskConfig) -> None:
        super().__init__()
        self.config = config
        self.masked_spec_embed = nn.Parameter(torch.empty(dim).uniform_())

    def forward(self, latents: Tensor, n_positions: Tensor) -> tuple[Tensor, Tensor]:
        """latents [batch, positions, dim] -> the same with spans hidden, and where they are."""
        masked = span_mask(n_positions, latents.shape[1], self.config)
        hidden = torch.where(masked[..., None], self.masked_spec_embed.to(latents), latents)
        return hidden, masked


def mean_distance(found: Tensor, wanted: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference over the positions `where`, [batch, positions]; 0 for none."""
    off = (found.float() - wanted.float()).abs().mean(-1)
    return (off * where).sum() / where.sum().clamp(min=1)
