"""Tell the true latent from others: CPC, wav2vec 2.0, and w2v-BERT with its second task."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.layers.gumbel_quantizer import GumbelQuantizer, GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.pretraining.frame_objective import FrameObjective, HidesSpans
from earshot.objectives.cpc import cpc_loss
from earshot.objectives.masked_contrastive import (
    MaskedContrastive,
    code_perplexity,
    diversity_loss,
)


@dataclass(frozen=True)
class CpcConfig:
    """Horizons and negatives. Source: arXiv:1807.03748, 3.1; arXiv:2002.02848, 3."""

    n_horizons: int = 6  # positions of 20 ms; the paper has 12 of 10 ms
    n_negatives: int = 128

    def __post_init__(self) -> None:
        if min(self.n_horizons, self.n_negatives) < 1:
            raise EarShotError(
                got=f"n_horizons={self.n_horizons}, n_negatives={self.n_negatives}",
                expected="at least 1 of each",
                mend="The paper has 12 and 128.",
            )


class Cpc(FrameObjective):
    """One matrix a horizon: which latent comes that many positions later?"""

    causal = True

    def __init__(self, encoder: FrameEncoder, config: CpcConfig) -> None:
        super().__init__(encoder)
        self.config = config
        self.heads = nn.Linear(encoder.dim, config.n_horizons * encoder.dim, bias=False)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """Loss in nats and the accuracy over all horizons."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        latents = self.encoder.embed(inputs)
        context = self.encoder.contextualise(latents, n_positions).last
        predictions = self.heads(context).unflatten(-1, (self.config.n_horizons, -1))
        score = cpc_loss(
            predictions.permute(2, 0, 1, 3) / self.encoder.dim**0.5,
            latents,
            n_positions,
            self.config.n_negatives,
        )
        return {"loss": score.loss, "accuracy": score.accuracy}


def _small_codebooks() -> GumbelQuantizerConfig:
    return GumbelQuantizerConfig(
        n_codes=32, n_codebooks=2, dim=64, least_temperature=0.5, temperature_decay=0.997
    )


@dataclass(frozen=True)
class Wav2Vec2Config:
    """wav2vec 2.0 on latents of frames; with `masked_units` and a `tap` below the top w2v-BERT."""

    quantizer: GumbelQuantizerConfig = field(default_factory=_small_codebooks)
    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)
    projection_dim: int = 64  # where states and codes meet
    n_distractors: int = 50  # the paper has 100, in utterances of 15 s
    temperature: float = 0.1
    diversity_weight: float = 0.1
    tap_depth: int | None = None  # the layer whose states are contrasted; the last if left out
    units_weight: float = 0.0  # of the last layer's guess at the codes: 1 in w2v-BERT

    def __post_init__(self) -> None:
        if self.diversity_weight < 0 or self.units_weight < 0 or self.projection_dim < 1:
            raise EarShotError(
                got=f"diversity_weight={self.diversity_weight:g}, units_weight="
                f"{self.units_weight:g}, projection_dim={self.projection_dim}",
                expected="weights from 0 on and a dim above 0",
                mend="wav2vec 2.0 has 0.1, 0 and 256.",
            )


class Wav2Vec2Objective(FrameObjective):
    """Hidden steps find their own quantised latent among others of the utterance.

    With `units_weight` the last layer also says which code each hidden step had, as a whole, in
    every codebook. The names of the parts are those of `transformers`' Wav2Vec2ForPreTraining.
    Source: arXiv:2006.11477, Eqs. 2-4; arXiv:2108.06209, Eq. 3.
    """

    def __init__(self, encoder: FrameEncoder, config: Wav2Vec2Config) -> None:
        super().__init__(encoder)
        depth = encoder.config.depth
        self.tap = depth if config.tap_depth is None else config.tap_depth
        if not 0 < self.tap <= depth:
            raise EarShotError(
                got=f"tap_depth={self.tap} of an encoder with {depth} layers",
                expected=f"1 to {depth}",
                mend="Leave it out for the last layer.",
            )
        self.config = config
        self.hide = HidesSpans(encoder.dim, config.mask)
        self.quantizer = GumbelQuantizer(encoder.dim, config.quantizer)
        self.project_hid = nn.Linear(encoder.dim, config.projection_dim)
        self.project_q = nn.Linear(config.quantizer.dim, config.projection_dim)
        self.contrast = MaskedContrastive(config.n_distractors, config.temperature)
        if config.units_weight:
            n_all = config.quantizer.n_codes * config.quantizer.n_codebooks
            self.mlm_head = nn.Linear(encoder.dim, n_all)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """Loss in nats, its parts, the accuracy, and how many codes are in use."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        latents = self.encoder.embed(inputs)
        hidden, masked = self.hide(latents, n_positions)
        states = self.encoder.contextualise(hidden, n_positions)
        real = ~states.padding
        quantized = self.quantizer(latents)
        score = self.contrast(
            self.project_hid(states.hidden[self.tap]),
            self.project_q(quantized.vectors),
            masked,
            codes=quantized.chosen,
        )
        diversity = diversity_loss(quantized.probabilities, real)
        figures = {
            "contrastive": score.loss,
            "diversity": diversity,
            "accuracy": score.accuracy,
            "perplexity": code_perplexity(quantized.choice, real).mean(),
        }
        loss = score.loss + self.config.diversity_weight * diversity
        if self.config.units_weight:
            units = self._units(states.last[masked], quantized.codes[masked])
            figures["units"] = units
            loss = loss + self.config.units_weight * units
        return {"loss": loss, **figures}

    def _units(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Cross-entropy of hidden [steps, dim] against codes [steps, codebooks]."""
        logits = self.mlm_head(hidden).float().unflatten(-1, (codes.shape[1], -1))
        return nn.functional.cross_entropy(logits.transpose(1, 2), codes)

    @torch.no_grad()
    def after_update(self) -> None:
        """Let the temperature fall."""
        self.quantizer.count_update()
