"""BEST-RQ: masked prediction of codes that nobody learns."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.encoders.conformer import Conformer
from earshot.features.kaldi import fit_frames, stack_frames
from earshot.layers.pooling import padding_of
from earshot.layers.random_projection import RandomProjection, RandomProjectionConfig
from earshot.layers.span_mask import SpanMaskConfig, span_mask
from earshot.models.pretraining.w2v_bert import Hidden, encode_hidden
from earshot.objectives.masked_contrastive import code_perplexity


@dataclass(frozen=True)
class BestRqConfig:
    """The head over a Conformer; the defaults are the paper's."""

    n_codes: int = 8_192
    code_dim: int = 16
    mask: SpanMaskConfig = field(default_factory=lambda: SpanMaskConfig(0.01, 10))
    hidden: Hidden = "random"
    seed: int = 0  # of the random projection and its codes


class BestRqForPreTraining(nn.Module):
    """A Conformer that predicts the random projection's codes of the features that were hidden.

    Source: arXiv:2202.01855, section 3.
    """

    def __init__(self, encoder: Conformer, config: BestRqConfig | None = None) -> None:
        super().__init__()
        self.encoder, self.config = encoder, config or BestRqConfig()
        config, n = self.config, int(encoder.position_frames) * encoder.config.n_mels
        self.quantizer = RandomProjection(
            RandomProjectionConfig(n, config.n_codes, config.code_dim, "unit", config.seed)
        )
        self.mlm_head = nn.Linear(encoder.dim, config.n_codes)

    def forward(
        self, log_mel: Tensor, n_frames: Tensor, masked: Tensor | None = None
    ) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss" and what is worth watching.

        `masked` [batch, positions] is drawn from torch's own generator where left out.
        """
        config = self.config
        features, n_positions = self.encoder.positions(log_mel, n_frames)
        real = ~padding_of(n_positions, features.shape[1])
        if masked is None:
            masked = span_mask(n_positions, features.shape[1], config.mask)
        codes = self._codes(log_mel, n_frames, features.shape[1])
        states = encode_hidden(self.encoder, features, n_positions, masked, config.hidden)
        logits = self.mlm_head(states.last[masked]).float()  # [steps, n_codes]
        hard = F.one_hot(codes, config.n_codes)[..., None, :]
        return {
            "loss": F.cross_entropy(logits, codes[masked]),
            "masked_accuracy": (logits.argmax(-1) == codes[masked]).float().mean(),
            "code_perplexity": code_perplexity(hard, real).mean(),
        }

    @property
    def n_codes(self) -> int:
        """Of the one codebook."""
        return self.config.n_codes

    def codes(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Codes [batch, positions, 1], and padding [batch, positions].

        Of frames as they come, not of features that are learnt. Frames past the end are zeros, the
        mean of each band.
        """
        features, n_positions = self.encoder.positions(log_mel, n_frames)
        codes = self._codes(log_mel, n_frames, features.shape[1])
        return codes[..., None], padding_of(n_positions, features.shape[1])

    def _codes(self, log_mel: Tensor, n_frames: Tensor, size: int) -> Tensor:
        """Those of the frames that each of `size` positions stands for: [batch, size]."""
        n = int(self.encoder.position_frames)
        real = log_mel.masked_fill(padding_of(n_frames, log_mel.shape[2])[:, None], 0.0)
        whole = fit_frames(real, size * n, value=0.0)
        stacked, _ = stack_frames(whole, whole.new_zeros(len(whole)).long(), n)
        return self.quantizer(stacked.transpose(1, 2))
