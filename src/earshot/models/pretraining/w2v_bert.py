"""w2v-BERT: contrast in the lower blocks, prediction of the same quantiser's codes in the upper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.conformer import Conformer
from earshot.encoders.states import LayerStates
from earshot.layers.gumbel_quantizer import GumbelQuantizer, GumbelQuantizerConfig, Quantized
from earshot.layers.pooling import padding_of
from earshot.layers.span_mask import SpanMaskConfig, span_mask
from earshot.objectives.masked_contrastive import (
    MaskedContrastive,
    code_perplexity,
    diversity_loss,
)

Hidden = Literal["random", "learnt"]  # what stands in the place of hidden features


@dataclass(frozen=True)
class W2vBertConfig:
    """The heads over a Conformer, and how their losses add up; the defaults are the paper's."""

    contrastive_depth: int = 12  # blocks below the contrastive loss
    quantizer: GumbelQuantizerConfig = field(default_factory=GumbelQuantizerConfig)
    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)
    hidden: Hidden = "random"
    shared_dim: int = 768  # of the space where context and codes are compared
    n_distractors: int = 100
    temperature: float = 0.1  # of the contrastive loss
    contrastive_weight: float = 1.0  # beta of the contrastive loss
    diversity_weight: float = 0.1  # of the diversity loss: beta * alpha
    masked_weight: float = 1.0  # gamma of masked prediction
    targets: Literal["codes", "choice"] = "codes"  # choice: its gradient goes into the quantiser

    def __post_init__(self) -> None:
        weights = (self.contrastive_weight, self.diversity_weight, self.masked_weight)
        if min(weights) < 0 or not any(weights) or self.contrastive_depth < 1:
            raise EarShotError(
                got=f"weights {', '.join(f'{weight:g}' for weight in weights)} and "
                f"contrastive_depth={self.contrastive_depth}",
                expected="weights of at least 0, one above, and a depth of at least 1",
                mend="The paper has 1, 0.1 and 1, and half of the blocks.",
            )


class W2vBertForPreTraining(nn.Module):
    """A Conformer with a quantiser and the two heads.

    One stack of blocks: the states after `contrastive_depth` of them are compared with quantised
    vectors of the features that were hidden, those of the last predict the codes. Blocks above the
    tap never hear of the contrast. Heads are named as in `transformers`' Wav2Vec2ForPreTraining
    (`quantizer`, `project_hid`, `project_q`), beside `mlm_head`.
    Source: arXiv:2108.06209, section 3.
    """

    def __init__(self, encoder: Conformer, config: W2vBertConfig | None = None) -> None:
        super().__init__()
        self.encoder, self.config = encoder, config or W2vBertConfig()
        config, depth = self.config, encoder.config.depth
        if config.contrastive_depth > depth:
            raise EarShotError(
                got=f"contrastive_depth={config.contrastive_depth} of {depth} blocks",
                expected="a block that is there",
                mend="Set pretraining.contrastive_depth to at most model.audio.conformer.depth.",
            )
        books = config.quantizer
        self.quantizer = GumbelQuantizer(encoder.config.frame_dim, books)
        self.project_hid = nn.Linear(encoder.dim, config.shared_dim)
        self.project_q = nn.Linear(books.dim, config.shared_dim)
        self.mlm_head = nn.Linear(encoder.dim, books.n_codebooks * books.n_codes)
        self.contrastive = MaskedContrastive(config.n_distractors, config.temperature)

    def forward(
        self,
        log_mel: Tensor,
        n_frames: Tensor,
        masked: Tensor | None = None,
        distractors: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss", its parts, and watchwords.

        `masked` [batch, positions] and `distractors` [batch, positions, n] are drawn from torch's
        own generator where left out. `code_perplexity` (of the likeliest codes, mean of codebooks)
        and `masked_accuracy` show a collapse: the one falls to 1 while the other rises to 1.
        """
        config = self.config
        features, n_positions = self.encoder.positions(log_mel, n_frames)
        real = ~padding_of(n_positions, features.shape[1])
        if masked is None:
            masked = span_mask(n_positions, features.shape[1], config.mask)
        found = self.quantizer(features)  # of what is hidden, unhidden
        states = encode_hidden(self.encoder, features, n_positions, masked, config.hidden)
        told = self.contrastive(
            self.project_hid(states.hidden[config.contrastive_depth]),
            self.project_q(found.vectors),
            masked,
            codes=found.chosen,
            distractors=distractors,
        )
        diversity = diversity_loss(found.probabilities, real)
        predicted, accuracy = self._predicted(states.last, found, masked)
        loss = (
            config.contrastive_weight * told.loss
            + config.diversity_weight * diversity
            + config.masked_weight * predicted
        )
        hard = F.one_hot(found.codes, config.quantizer.n_codes)
        return {
            "loss": loss,
            "contrastive": told.loss,
            "contrastive_accuracy": told.accuracy,
            "diversity": diversity,
            "masked": predicted,
            "masked_accuracy": accuracy,
            "code_perplexity": code_perplexity(hard, real).mean(),
            "temperature": loss.new_tensor(self.quantizer.temperature),
        }

    def _predicted(self, hidden: Tensor, found: Quantized, masked: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of the masked steps' codes, and the share that is the likeliest one."""
        books = self.config.quantizer
        logits = self.mlm_head(hidden[masked]).float()  # [steps, codebooks * codes]
        logits = logits.unflatten(-1, (books.n_codebooks, books.n_codes))
        codes = found.codes[masked]  # [steps, codebooks]
        accuracy = (logits.argmax(-1) == codes).float().mean()
        if self.config.targets == "codes":
            return F.cross_entropy(logits.flatten(0, 1), codes.flatten()), accuracy
        nats = -(found.choice[masked] * logits.log_softmax(-1)).sum(-1)
        return nats.mean(), accuracy

    @property
    def n_codes(self) -> int:
        """Of each codebook."""
        return self.config.quantizer.n_codes

    def codes(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest codes [batch, positions, codebooks], and padding [batch, positions]."""
        features, n_positions = self.encoder.positions(log_mel, n_frames)
        return self.quantizer(features).codes, padding_of(n_positions, features.shape[1])

    def count_update(self) -> None:
        """Let the quantiser's temperature fall; call it after every update of the weights."""
        self.quantizer.count_update()


def encode_hidden(
    encoder: Conformer, features: Tensor, n_positions: Tensor, masked: Tensor, hidden: Hidden
) -> LayerStates:
    """The encoder's states of `features` [batch, positions, frame_dim] with some of them hidden.

    "random": normal numbers in their place, as the paper writes; "learnt": one vector after the
    projection, as wav2vec 2.0 and the released code have it. masked [batch, positions].
    """
    mend = "Give every position of the encoder a truth."
    check_shape("masked", masked, tuple(features.shape[:2]), mend=mend)
    if hidden == "learnt":
        return encoder.encode(features, n_positions, masked)
    features = torch.where(masked[..., None], torch.randn_like(features), features)
    return encoder.encode(features, n_positions)
