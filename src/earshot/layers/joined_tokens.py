"""Several tokens of an encoder become one vector that a language model reads."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


class JoinedTokens(nn.Module):
    """Every `n_joined` tokens one after another are one row; Linear, ReLU, Linear.

    Tokens that are left over at the end are dropped; a row of fewer than `n_joined` tokens is
    filled with zeros to one vector. Source: SLAM-AAC, arXiv:2410.09503, whose names these are.
    """

    def __init__(self, in_dim: int, out_dim: int, *, n_joined: int = 5, hidden: int = 2_048):
        super().__init__()
        if min(n_joined, hidden) < 1:
            raise EarShotError(
                got=f"n_joined={n_joined}, hidden={hidden}",
                expected="at least 1",
                mend="SLAM-AAC has 5 and 2048; 8 joins the bands of one moment of EAT.",
            )
        self.n_joined, self.in_dim = n_joined, in_dim
        self.linear1 = nn.Linear(n_joined * in_dim, hidden)
        self.linear2 = nn.Linear(hidden, out_dim)

    def forward(self, tokens: Tensor, n_tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens [batch, tokens, in_dim], n_tokens [batch] -> [batch, vectors, out_dim], how many.

        What lies past a row's n_tokens is not read.
        """
        check_shape(
            "tokens", tokens, ("batch", "tokens", self.in_dim), mend="Give the encoder's own width."
        )
        n_vectors = (n_tokens // self.n_joined).clamp(min=1)
        width = max(tokens.shape[1] // self.n_joined, 1) * self.n_joined
        tokens = F.pad(tokens[:, :width], (0, 0, 0, max(0, width - tokens.shape[1])))
        place = n_tokens.new_ones(width).cumsum(0) - 1
        tokens = tokens.masked_fill((place >= n_tokens[:, None])[..., None], 0.0)
        joined = tokens.unflatten(1, (-1, self.n_joined)).flatten(2)
        return self.linear2(F.relu(self.linear1(joined))), n_vectors
