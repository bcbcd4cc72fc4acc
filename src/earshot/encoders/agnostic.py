"""One transformer for every modality: stems of their own into a trunk that they share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.layers.pooling import padding_of


@dataclass(frozen=True)
class TrunkConfig:
    """Sizes of the shared transformer; the defaults are VATT's modality-agnostic medium."""

    dim: int = 1_024
    depth: int = 12
    n_heads: int = 16
    mlp_dim: int = 4_096
    dropout: float = 0.1  # of attention
    drop_tokens: float = 0.5  # share of a sound's tokens left out in training (DropToken)

    def __post_init__(self) -> None:
        if self.dim % self.n_heads:
            raise EarShotError(
                got=f"dim={self.dim} with n_heads={self.n_heads}",
                expected="a dim that the heads share evenly",
                mend="Pick n_heads among the divisors of dim.",
            )
        if not 0 <= self.drop_tokens < 1:
            raise EarShotError(
                got=f"drop_tokens={self.drop_tokens:g}",
                expected="a share from 0 to below 1",
                mend="VATT drops 0.5.",
            )


@dataclass(frozen=True)
class SpectrogramStemConfig:
    """How a log-mel becomes tokens: full-height strips of frames."""

    n_mels: int = 80
    strip: int = 1  # frames a token
    max_positions: int = 160  # 3.2 s in hops of 21.3 ms, and a few more
    mean_db: float = -30.0  # what a log-mel is centred by ...
    std_db: float = 30.0  # ... and divided by


@dataclass(frozen=True)
class WaveStemConfig:
    """How a waveform becomes tokens: patches of samples."""

    patch: int = 128  # samples a token
    max_positions: int = 1_200  # 3.2 s at 48 kHz


@dataclass(frozen=True)
class WordStemConfig:
    """How words become tokens: a table of narrow vectors, widened."""

    vocab_size: int = 65_536
    word_dim: int = 300
    max_tokens: int = 16


class Trunk(nn.Module):
    """Pre-norm GELU transformer blocks of `transformers` (CLIP's) and a last norm."""

    def __init__(self, config: TrunkConfig):
        super().__init__()
        from transformers import CLIPTextConfig
        from transformers.models.clip.modeling_clip import CLIPEncoder

        self.config = config
        sizes = CLIPTextConfig(
            hidden_size=config.dim,
            num_hidden_layers=config.depth,
            num_attention_heads=config.n_heads,
            intermediate_size=config.mlp_dim,
            hidden_act="gelu",
            layer_norm_eps=1e-6,
            attention_dropout=config.dropout,
        )
        sizes._attn_implementation = "sdpa"
        self.encoder = CLIPEncoder(sizes)
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """hidden [batch, positions, dim], padding [batch, positions] -> as hidden."""
        seen = torch.zeros_like(padding, dtype=hidden.dtype)
        seen = seen.masked_fill(padding, torch.finfo(hidden.dtype).min)[:, None, None, :]
        seen = seen.expand(-1, 1, hidden.shape[1], -1)  # added to every attention score
        return self.norm(self.encoder(hidden, seen).last_hidden_state)


class SpectrogramStem(nn.Module):
    """log_mel [batch, n_mels, frames] in dB and n_frames -> hidden, padding."""

    is_sound = True

    def __init__(self, config: SpectrogramStemConfig, dim: int):
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.n_mels * config.strip, dim)
        self.places = _places(config.max_positions, dim)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of whole strips [batch, positions, dim], and which of them are padding."""
        config = self.config
        check_shape(
            "log_mel", log_mel, ("batch", config.n_mels, "frames"),
            mend="Give the log-mel and this stem the same n_mels.",
        )  # fmt: skip
        scaled = (log_mel - config.mean_db) / config.std_db
        scaled = scaled.masked_fill(padding_of(n_frames, log_mel.shape[2])[:, None], 0.0)
        scaled = F.pad(scaled, (0, -scaled.shape[2] % config.strip))  # up to whole strips
        strips = scaled.unfold(2, config.strip, config.strip).transpose(1, 2).flatten(2)
        n_real = -(-n_frames // config.strip)
        return _placed(self.embed(strips), self.places), padding_of(n_real, strips.shape[1])


class WaveStem(nn.Module):
    """waveform [batch, samples] and n_samples -> hidden, padding."""

    is_sound = True

    def __init__(self, config: WaveStemConfig, dim: int):
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.patch, dim)
        self.places = _places(config.max_positions, dim)

    def forward(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of whole patches [batch, positions, dim], and which of them are padding."""
        patch = self.config.patch
        silent = padding_of(n_samples, waveform.shape[1])
        waveform = F.pad(waveform.masked_fill(silent, 0.0), (0, -waveform.shape[1] % patch))
        patches = waveform.unfold(1, patch, patch)  # [batch, positions, patch]
        n_real = -(-n_samples // patch)
        return _placed(self.embed(patches), self.places), padding_of(n_real, patches.shape[1])


class WordStem(nn.Module):
    """tokens [batch, tokens] and their padding -> hidden, padding."""

    is_sound = False

    def __init__(self, config: WordStemConfig, dim: int):
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.vocab_size, config.word_dim)
        self.embed = nn.Linear(config.word_dim, dim)
        self.places = _places(config.max_tokens, dim)

    def forward(self, tokens: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        """Widened words [batch, tokens, dim], and the padding as it came."""
        return _placed(self.embed(self.table(tokens)), self.places), padding


class AgnosticEncoder(nn.Module):
    """A stem, a token that gathers, and the trunk: the encoder of one modality.

    The trunk is handed in, so that several encoders can share it. Source: arXiv:2104.11178, 3.
    """

    def __init__(self, stem: SpectrogramStem | WaveStem | WordStem, trunk: Trunk):
        super().__init__()
        self.stem, self.trunk, self.dim = stem, trunk, trunk.config.dim
        self.gather = nn.Parameter(torch.randn(self.dim) * 0.02)

    def forward(self, values: Tensor, extent: Tensor) -> Tensor:
        """What the stem takes -> [batch, dim], the trunk's output at the gathering token."""
        hidden, padding = self.stem(values, extent)
        if self.training and self.stem.is_sound:
            hidden, padding = drop_tokens(hidden, padding, self.trunk.config.drop_tokens)
        first = self.gather.expand(len(hidden), 1, -1).to(hidden)
        seen = torch.zeros_like(padding[:, :1])
        hidden = self.trunk(torch.cat([first, hidden], 1), torch.cat([seen, padding], 1))
        return hidden[:, 0]


def drop_tokens(hidden: Tensor, padding: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """A random 1 - `share` of the positions, real ones first, other ones in every row.

    Source: arXiv:2104.11178, 3.3 (DropToken).
    """
    n_kept = max(1, round(hidden.shape[1] * (1 - share)))
    if n_kept == hidden.shape[1]:
        return hidden, padding
    chance = torch.rand(padding.shape, device=padding.device) + padding  # padded ones come last
    kept = chance.argsort(1)[:, :n_kept].sort(1).values  # [batch, n_kept], in order
    wide = kept[..., None].expand(-1, -1, hidden.shape[2])
    return hidden.gather(1, wide), padding.gather(1, kept)


def _places(n_positions: int, dim: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(n_positions, dim) * 0.02)


def _placed(hidden: Tensor, places: Tensor) -> Tensor:
    """Tokens with the learnt vectors of their positions."""
    if hidden.shape[1] > len(places):
        raise EarShotError(
            got=f"{hidden.shape[1]} tokens",
            expected=f"at most {len(places)}, the positions that were learnt",
            mend="Shorten the window, or raise max_positions.",
        )
    return hidden + places[: hidden.shape[1]]
