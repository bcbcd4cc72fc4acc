"""Codes that can be learnt by gradient: a choice by Gumbel noise, passed straight through."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class GumbelQuantizerConfig:
    """Codebooks and the temperature of their choice; the defaults are those of w2v-BERT."""

    n_codes: int = 1_024  # of a codebook
    n_codebooks: int = 1  # each chooses a part of the vector
    dim: int = 1_024  # of a quantised vector
    temperature: float = 2.0  # of the first update
    least_temperature: float = 0.1
    temperature_decay: float = 0.999995  # per update

    def __post_init__(self) -> None:
        if min(self.n_codes, self.n_codebooks, self.dim) < 1 or self.dim % self.n_codebooks:
            raise EarShotError(
                got=f"{self.n_codebooks} codebooks of {self.n_codes} codes for dim={self.dim}",
                expected="counts of at least 1, and a dim that the codebooks share evenly",
                mend="Pick n_codebooks among the divisors of dim.",
            )
        if not (0 < self.least_temperature <= self.temperature and 0 < self.temperature_decay <= 1):
            raise EarShotError(
                got=f"temperature={self.temperature:g}, least_temperature="
                f"{self.least_temperature:g}, temperature_decay={self.temperature_decay:g}",
                expected="temperatures above 0 that fall, by a factor of at most 1",
                mend="w2v-BERT goes from 2 to 0.1 by a factor of 0.999995 per update.",
            )


@dataclass(frozen=True)
class Quantized:
    """What a quantiser makes of hidden states, [batch, positions, ...] each."""

    vectors: Tensor  # [batch, positions, dim], sums of chosen code vectors, joined
    chosen: Tensor  # [batch, positions, n_codebooks] int64, what `vectors` are made of
    choice: Tensor  # [batch, positions, n_codebooks, n_codes], one-hot, with a gradient in training
    codes: Tensor  # [batch, positions, n_codebooks] int64, the likeliest, whatever the noise
    probabilities: Tensor  # [batch, positions, n_codebooks, n_codes], without noise, float32


class GumbelQuantizer(nn.Module):
    """A linear map to logits over codes, and the vector of the code that is chosen.

    In training the choice is drawn (Gumbel noise, at a temperature that falls with every call of
    `count_update`) and its gradient is that of the softmax at that temperature; in eval mode it is
    the likeliest code. The count of updates is a part of the state: a resumed run goes on with the
    temperature that it had. Parameters are named as in `transformers`' Wav2Vec2ForPreTraining.
    Source: arXiv:2006.11477, Eq. 1; arXiv:2108.06209, section 3.3.
    """

    n_updates: Tensor  # [] int64

    def __init__(self, input_dim: int, config: GumbelQuantizerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GumbelQuantizerConfig()
        n_all = config.n_codebooks * config.n_codes
        self.codevectors = nn.Parameter(torch.empty(1, n_all, config.dim // config.n_codebooks))
        self.weight_proj = nn.Linear(input_dim, n_all)
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))
        nn.init.normal_(self.weight_proj.weight)  # N(0, 1), as the released wav2vec 2.0 has it
        nn.init.zeros_(self.weight_proj.bias)
        nn.init.uniform_(self.codevectors)

    @property
    def temperature(self) -> float:
        """That of the Gumbel softmax at the next update."""
        config = self.config
        now = config.temperature * config.temperature_decay ** int(self.n_updates)
        return max(now, config.least_temperature)

    def count_update(self) -> None:
        """Let the temperature fall; call it after every update of the weights."""
        self.n_updates += 1

    def forward(self, hidden: Tensor) -> Quantized:
        """hidden [batch, positions, input dim], never a masked one -> codes and their vectors."""
        check_shape(
            "hidden",
            hidden,
            ("batch", "positions", self.weight_proj.in_features),
            mend="Give the quantiser the dim of what it quantises.",
        )
        config = self.config
        with torch.autocast(hidden.device.type, enabled=False):
            logits = self.weight_proj(hidden.float())
            logits = logits.unflatten(-1, (config.n_codebooks, config.n_codes))
            probabilities, codes = logits.softmax(-1), logits.argmax(-1)
            if self.training:
                noise = -torch.empty_like(logits).exponential_().log()  # Gumbel(0, 1)
                soft = ((logits + noise) / self.temperature).softmax(-1)
                chosen = soft.argmax(-1)
                # what is added is exactly 0: like choices have like vectors, to the last bit
                choice = _one_hot(chosen, soft) + (soft - soft.detach())
            else:
                chosen, choice = codes, _one_hot(codes, logits)
            table = self.codevectors[0].unflatten(0, (config.n_codebooks, config.n_codes))
            vectors = torch.einsum("btgv,gvd->btgd", choice, table.float()).flatten(2)
        return Quantized(vectors, chosen, choice, codes, probabilities)


def _one_hot(chosen: Tensor, like: Tensor) -> Tensor:
    return torch.zeros_like(like).scatter_(-1, chosen[..., None], 1.0)
