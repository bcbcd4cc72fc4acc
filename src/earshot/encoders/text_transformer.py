"""A small text transformer of our own: it keeps word order and ignores padding exactly."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from earshot.layers.pooling import mean_of_real
from earshot.layers.positions import sinusoids
from earshot.layers.transformer import Transformer


@dataclass(frozen=True)
class TextTransformerConfig:
    """Sizes of a TextTransformer."""

    dim: int = 192
    depth: int = 2
    n_heads: int = 4
    dropout: float = 0.0


class TextTransformer(nn.Module):
    """Tokens with their places, attended over and averaged."""

    def __init__(self, vocab_size: int, config: TextTransformerConfig):
        super().__init__()
        self.dim = config.dim
        self.embed = nn.Embedding(vocab_size, config.dim)
        nn.init.normal_(self.embed.weight, std=config.dim**-0.5)
        self.blocks = Transformer(config.dim, config.depth, config.n_heads, dropout=config.dropout)

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """tokens [batch, tokens] int64, padding [batch, tokens] -> [batch, dim]."""
        hidden = self.embed(tokens)
        places = sinusoids(*hidden.shape[1:]).to(hidden)
        hidden = hidden + places * self.dim**-0.5  # as large as the words, so neither drowns
        return mean_of_real(self.blocks(hidden, padding), padding)
