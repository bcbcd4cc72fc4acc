"""Two towers, one space: a sound and a sentence that belong together lie close."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.layers.spec_augment import SpecAugment
from earshot.models.long_clips import LongClips
from earshot.models.sound_encoder import Fill, SoundEncoder
from earshot.text.tokenizer import Tokenizer

MAX_SCALE = 100.0
Side = Literal["audio", "text"]


class TwoTower(SoundEncoder):
    """A SoundEncoder; tokenizer, text encoder and projection; one scale.

    The parts of words are handed in, as those of sound are:
    - `tokenizer(texts) -> (tokens, padding)`, `text_encoder(tokens, padding) -> [batch, .dim]`;
    - the projections take each encoder's dim to the shared one; Identity where none is wanted.
    Source: arXiv:2211.06687, arXiv:2206.04769.
    """

    def __init__(
        self,
        *,
        features: nn.Module,
        audio_encoder: nn.Module,
        audio_projection: nn.Module,
        tokenizer: Tokenizer,
        text_encoder: nn.Module,
        text_projection: nn.Module,
        sample_rate: int,
        window_s: float,
        fill: Fill = "none",
        long_clips: LongClips | None = None,
        spec_augment: SpecAugment | None = None,
    ):
        super().__init__(
            features=features,
            audio_encoder=audio_encoder,
            audio_projection=audio_projection,
            sample_rate=sample_rate,
            window_s=window_s,
            fill=fill,
            long_clips=long_clips,
            spec_augment=spec_augment,
        )
        self.tokenizer = tokenizer
        self.text_encoder, self.text_projection = text_encoder, text_projection
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.locked: tuple[Side, ...] = ()

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by: the exponential of logit_scale, at most 100."""
        return self.logit_scale.exp().clamp(max=MAX_SCALE)

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Bring logit_scale back to at most ln 100; call it after every training step."""
        # a hair below, so that the clamp of `scale` never cuts the gradient
        self.logit_scale.clamp_(max=math.log(MAX_SCALE) - 1e-6)

    def lock(self, side: Side) -> TwoTower:
        """Freeze that tower with its projection: no gradient, and eval mode whatever comes.

        Gives the model itself. What is saved and loaded does not change.
        """
        for part in self._parts(side):
            part.requires_grad_(False)
        self.locked = tuple(dict.fromkeys((*self.locked, side)))
        return self.train(self.training)

    def train(self, mode: bool = True) -> TwoTower:
        """As `nn.Module.train`, but for locked towers, which stay in eval mode."""
        super().train(mode)
        for side in self.locked:
            for part in self._parts(side):
                part.eval()
        return self

    def _parts(self, side: Side) -> tuple[nn.Module, nn.Module]:
        if side == "audio":
            return self.audio_encoder, self.audio_projection
        return self.text_encoder, self.text_projection

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Unit rows [batch, dim] of texts; whatever exceeds the tokenizer's limit is cut."""
        return F.normalize(self.text_projection(self.text_hidden(texts)).float())

    def text_hidden(self, texts: Sequence[str]) -> Tensor:
        """What the text encoder says before projection, [batch, encoder dim]."""
        tokens, padding = self.tokenizer(texts)
        device = self.logit_scale.device
        return self.text_encoder(tokens.to(device), padding.to(device))
