"""A tokenizer taught by a trained encoder: its codes must tell what that encoder says."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsEncoder
from earshot.encoders.beats_tokenizer import BeatsTokenizer
from earshot.layers.deepnorm_transformer import DeepNormTransformer


class TokenizerDistillation(nn.Module):
    """Codes of the whole clip through a shallow transformer, which tells the teacher's states.

    The loss is one minus the cosine between what is told and the teacher's last layer, over real
    patches, plus `commitment` times how far the tokenizer's vectors are from their codes. The
    gradient passes straight through the codes; these follow by running means. The estimator goes
    after the training. The states of a small teacher share an offset and so are much alike:
    `standardise` takes it away, and what is told is how patches differ.
    Source: arXiv:2212.09058, section 3.2.2, Eqs. 4-5.
    """

    def __init__(
        self,
        tokenizer: BeatsTokenizer,
        teacher_dim: int,
        *,
        estimator_depth: int = 3,
        commitment: float = 1.0,  # beta; 10 in the open recipe
        standardise: bool = False,  # the teacher's numbers, over the real patches of a batch
    ) -> None:
        super().__init__()
        if estimator_depth < 1 or commitment < 0:
            raise EarShotError(
                got=f"estimator_depth={estimator_depth}, commitment={commitment:g}",
                expected="a layer or more, and no negative weight",
                mend="BEATs has 3 layers and 1.",
            )
        self.tokenizer, self.commitment = tokenizer, commitment
        self.standardise = standardise
        trunk = tokenizer.encoder.config.transformer
        self.into_estimator = nn.Linear(tokenizer.config.codebook.dim, trunk.dim)
        self.estimator = DeepNormTransformer(replace(trunk, depth=estimator_depth))
        self.told = nn.Linear(trunk.dim, teacher_dim)

    def forward(
        self, log_mel: Tensor, n_frames: Tensor, teacher: BeatsEncoder
    ) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss", and what is logged with it.

        `teacher` cuts the same patches, is in eval mode and learns nothing.
        """
        with torch.no_grad():
            wanted, padding = teacher.hidden(log_mel, n_frames)
            if self.standardise:
                real = wanted[~padding].float()
                wanted = (wanted - real.mean(0)) / real.std(0, correction=0).clamp(min=1e-6)
        found, padding = self.tokenizer(log_mel, n_frames)
        told = self.told(self.estimator(self.into_estimator(found.vectors), padding))
        cosine = F.cosine_similarity(told.float(), wanted.float(), dim=-1)[~padding].mean()
        return {
            "loss": 1.0 - cosine + self.commitment * found.commitment,
            "cosine": cosine,
            "commitment": found.commitment,
            "perplexity": found.perplexity,
        }
