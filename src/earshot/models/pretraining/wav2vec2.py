"""The task of wav2vec 2.0 over its encoder: tell the code of each hidden step from other codes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from earshot.encoders.wav2vec2 import Wav2Vec2Encoder
from earshot.layers.gumbel_quantizer import GumbelQuantizer, GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig, span_mask
from earshot.objectives.masked_contrastive import (
    MaskedContrastive,
    code_perplexity,
    diversity_loss,
)


def _codes() -> GumbelQuantizerConfig:
    return GumbelQuantizerConfig(n_codes=320, n_codebooks=2, dim=256, least_temperature=0.5)


@dataclass(frozen=True)
class Wav2Vec2TaskConfig:
    """What is hidden and told; the defaults are wav2vec 2.0 base's. Source: arXiv:2006.11477."""

    quantizer: GumbelQuantizerConfig = field(default_factory=_codes)
    dim: int = 256  # in which steps and codes are compared
    n_distractors: int = 100
    temperature: float = 0.1
    diversity_weight: float = 0.1
    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)

    @classmethod
    def large(cls) -> Wav2Vec2TaskConfig:
        """XLSR-53's: 768 dimensions. Source: arXiv:2006.13979, its released configuration."""
        codes = GumbelQuantizerConfig(
            n_codes=320,
            n_codebooks=2,
            dim=768,
            least_temperature=0.1,
            temperature_decay=0.999995,
        )
        return cls(quantizer=codes, dim=768)


class Wav2Vec2Pretraining(nn.Module):
    """Encoder, quantiser and two projections, named as in `transformers`' ForPreTraining.

    Differs from it: the loss is the mean over hidden steps, where transformers gives their sum, so
    that the learning rate does not depend on how long the clips are.
    Source: arXiv:2006.11477, section 3.
    """

    def __init__(self, encoder: Wav2Vec2Encoder, config: Wav2Vec2TaskConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or Wav2Vec2TaskConfig()
        self.encoder = encoder
        self.quantizer = GumbelQuantizer(encoder.config.feature_dim, config.quantizer)
        self.project_hid = nn.Linear(encoder.dim, config.dim)
        self.project_q = nn.Linear(config.quantizer.dim, config.dim)
        self.contrastive = MaskedContrastive(config.n_distractors, config.temperature)

    def forward(
        self,
        log_mel: Tensor,
        n_frames: Tensor,
        *,
        masked: Tensor | None = None,
        distractors: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """log_mel [batch, 1 or n_mels, frames], n_frames [batch] -> scalars by name.

        `loss` is `contrastive` plus diversity_weight times `diversity`; `accuracy` says how often a
        hidden step is told, `perplexity` how many codes are in use, over all codebooks. `masked`
        [batch, positions] and `distractors` [batch, positions, n] are drawn from torch's generator
        where left out. Raises EarShotError where every clip is too short to hide a step of it.
        """
        encoder, config = self.encoder, self.config
        features, n_positions = encoder.features(log_mel, n_frames)
        hidden, normed = encoder.project(features)
        if masked is None:
            masked = span_mask(n_positions, hidden.shape[1], config.mask)
        seen = encoder.contextual(encoder.hide(hidden, masked), n_positions)
        quantized = self.quantizer(normed)
        score = self.contrastive(
            self.project_hid(seen),
            self.project_q(quantized.vectors),
            masked,
            codes=quantized.chosen,
            distractors=distractors,
        )
        diversity = diversity_loss(quantized.probabilities, masked)
        return {
            "loss": score.loss + config.diversity_weight * diversity,
            "contrastive": score.loss,
            "diversity": diversity,
            "accuracy": score.accuracy,
            "perplexity": code_perplexity(quantized.probabilities, masked).sum(),
        }

    def count_update(self) -> None:
        """The Gumbel temperature falls; call it after every update."""
        self.quantizer.count_update()

    def restart(self, temperature: float | None = None) -> None:
        """Set the Gumbel temperature, for training on other clips; the first update's if None.

        It falls on from there, and never rises above what the configuration begins with.
        """
        begin, decay = self.config.quantizer.temperature, self.config.quantizer.temperature_decay
        n_updates = 0
        if temperature is not None and temperature < begin and decay < 1:
            n_updates = math.ceil(math.log(temperature / begin) / math.log(decay))
        self.quantizer.n_updates.fill_(n_updates)
