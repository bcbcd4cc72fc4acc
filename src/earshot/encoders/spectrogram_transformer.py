"""The audio spectrogram transformer: patches of a spectrogram as tokens, after DeiT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known
from earshot.encoders.patches import PatchConfig, PatchEmbedding, fill_frames
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real

N_SPECIAL = 2  # tokens before the patches: cls, and dist of DeiT's distillation


@dataclass(frozen=True)
class SpectrogramTransformerConfig:
    """Sizes of a SpectrogramTransformer; the defaults are those of SSAST-Base-Patch."""

    patches: PatchConfig = field(default_factory=PatchConfig)
    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    mlp_dim: int = 3_072
    most_frames: int = 1_024  # positions are learnt for so many; longer clips are refused
    eps: float = 1e-6  # of the norms; AST of `transformers` has 1e-12
    qkv_bias: bool = True
    padding: Literal["masked", "attended"] = "masked"  # attended: filled up to most_frames and
    # heard as sound, as the released models were trained
    fill: float = 0.0  # what a number of padding is: `KaldiFbank.pad_value` of the front end
    pooling: Literal["mean", "special"] = "mean"  # of the patches (SSAST), of cls and dist (AST)
    init_std: float | None = 0.02  # of the blocks' weights at the start; None: Xavier's
    position_std: float = 0.02  # of the positions at the start

    def __post_init__(self) -> None:
        least = min(self.dim, self.depth, self.n_heads, self.mlp_dim, self.most_frames)
        if least < 1 or self.dim % self.n_heads:
            raise EarShotError(
                got=f"dim={self.dim}, n_heads={self.n_heads}, mlp_dim={self.mlp_dim}, "
                f"depth={self.depth}, most_frames={self.most_frames}",
                expected="sizes of at least 1, and a dim that the heads can share",
                mend="Make dim a multiple of n_heads.",
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches that positions are learnt for."""
        count = self.patches.columns if self.padding == "masked" else self.patches.whole_columns
        return self.patches.n_rows, count(self.most_frames)


@dataclass(frozen=True)
class FilledSpectrogram:
    """A batch that the patches fit on: filled up, and which of its columns hold sound."""

    log_mel: Tensor  # [batch, n_mels, frames], whole patches
    n_columns: Tensor  # [batch], those that are heard
    columns: int


class Attention(nn.Module):
    """Self-attention with timm's names: one `qkv` map, and `proj`."""

    def __init__(self, dim: int, n_heads: int, qkv_bias: bool) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, hidden: Tensor, seen: Tensor | None) -> Tensor:
        """hidden [batch, tokens, dim]; seen [batch, 1, 1, tokens], True where real; None: all."""
        qkv = self.qkv(hidden).unflatten(2, (3, self.n_heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, tokens, head_dim]
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two maps with a GELU between, `fc1` and `fc2` as timm names them."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, dim)

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., dim] -> [..., dim]."""
        return self.fc2(F.gelu(self.fc1(hidden)))


class DeitBlock(nn.Module):
    """A pre-norm block with the names of timm's. Source: arXiv:2012.12877."""

    def __init__(self, config: SpectrogramTransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.norm1, self.norm2 = (nn.LayerNorm(dim, config.eps) for _ in range(2))
        self.attn = Attention(dim, config.n_heads, config.qkv_bias)
        self.mlp = Mlp(dim, config.mlp_dim)

    def forward(self, hidden: Tensor, seen: Tensor | None) -> Tensor:
        """hidden [batch, tokens, dim] -> the same shape; `seen` as Attention takes it."""
        hidden = hidden + self.attn(self.norm1(hidden), seen)
        return hidden + self.mlp(self.norm2(hidden))


class SpectrogramTransformer(nn.Module):
    """Patches, two special tokens and learnt positions through transformer blocks.

    The state dict has the names of the released SSAST and AST without their `v.`: `cls_token`,
    `dist_token`, `pos_embed`, `patch_embed.proj`, `blocks.N. ...`, `norm`.
    Source: arXiv:2104.01778, arXiv:2110.09784. Differs: with padding="masked" no token hears the
    padding, and the mean is over patches that hold sound.
    """

    def __init__(self, config: SpectrogramTransformerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SpectrogramTransformerConfig()
        self.dim, self.position_frames = config.dim, float(config.patches.strides[1])
        rows, columns = config.grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, N_SPECIAL + rows * columns, config.dim))
        self.patch_embed = PatchEmbedding(config.patches, config.dim)
        self.blocks = nn.ModuleList(DeitBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim, config.eps)
        self._start()

    def _start(self) -> None:
        """Random weights, as DeiT draws them; small models learn sooner from Xavier's."""
        std = self.config.init_std
        for token in (self.cls_token, self.dist_token):
            nn.init.trunc_normal_(token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=self.config.position_std)
        for part in self.blocks.modules():
            if isinstance(part, nn.Linear):
                if std is None:
                    nn.init.xavier_uniform_(part.weight)
                else:
                    nn.init.trunc_normal_(part.weight, std=std)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames], n_frames [batch]: real lengths -> [batch, dim].

        Raises EarShotError for clips longer than `most_frames`.
        """
        filled = self.filled(log_mel, n_frames)
        tokens = self.encode(self.patch_embed(filled.log_mel), filled)[-1]
        if self.config.pooling == "special":
            return tokens[:, :N_SPECIAL].mean(1)
        real = self.config.patches.real_tokens(filled.n_columns, filled.columns)
        return mean_of_real(tokens[:, N_SPECIAL:], ~real)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The input to the blocks, each block's output and the last one's normed, over time.

        A position is a column of patches: the mean of its rows.
        """
        filled = self.filled(log_mel, n_frames)
        found = self.encode(self.patch_embed(filled.log_mel), filled)
        hidden = tuple(self._over_time(each, filled.columns) for each in found)
        beyond = self.config.patches.real_columns(n_frames).clamp(max=filled.columns)
        return LayerStates(hidden, beyond)

    def _over_time(self, tokens: Tensor, columns: int) -> Tensor:
        """[batch, special and tokens, dim] -> [batch, columns, dim]."""
        by_dim = tokens[:, N_SPECIAL:].transpose(1, 2)  # [batch, dim, tokens]
        return self.config.patches.to_grid(by_dim, columns).mean(2).transpose(1, 2)

    def filled(self, log_mel: Tensor, n_frames: Tensor) -> FilledSpectrogram:
        """The batch filled up to whole patches, or to `most_frames` where padding is attended."""
        config, patches = self.config, self.config.patches
        check_shape(
            "log_mel",
            log_mel,
            ("batch", patches.n_mels, "frames"),
            mend="Give the front end and this encoder the same number of bands.",
        )
        self._check_lengths(n_frames)
        n_frames = n_frames.to(log_mel.device)
        if config.padding == "attended":
            columns = config.grid[1]
            log_mel = fill_frames(log_mel, n_frames, config.most_frames, config.fill)
            return FilledSpectrogram(log_mel, torch.full_like(n_frames, columns), columns)
        columns = patches.columns(min(log_mel.shape[2], config.most_frames))
        log_mel = fill_frames(log_mel, n_frames, patches.frames(columns), config.fill)
        return FilledSpectrogram(log_mel, patches.real_columns(n_frames), columns)

    def _check_lengths(self, n_frames: Tensor) -> None:
        longest = self.config.most_frames
        if values_are_known() and bool((n_frames > longest).any()):
            raise EarShotError(
                got=f"a clip of {int(n_frames.max())} frames",
                expected=f"at most {longest}, for which positions are learnt",
                mend="Cut it into windows, or build the encoder with more most_frames and bring "
                "its positions over with resize_positions.",
            )

    def encode(self, patches: Tensor, filled: FilledSpectrogram) -> list[Tensor]:
        """All states of embedded patches [batch, tokens, dim], special tokens first.

        The input to the blocks, then what each block gives; the last is normed. Positions of a
        shorter batch are those of the first columns.
        """
        config, columns = self.config, filled.columns
        batch, seen = len(patches), None
        special, places = self.pos_embed[:, :N_SPECIAL], self.pos_embed[:, N_SPECIAL:]
        if columns != config.grid[1]:
            grid = config.patches.to_grid(places.transpose(1, 2), config.grid[1])[..., :columns]
            places = config.patches.to_tokens(grid).transpose(1, 2)
        if config.padding == "masked":
            real = config.patches.real_tokens(filled.n_columns, columns)
            seen = F.pad(real, (N_SPECIAL, 0), value=True)[:, None, None]  # [batch, 1, 1, tokens]
        first = torch.cat([self.cls_token, self.dist_token], 1) + special
        hidden = torch.cat([first.expand(batch, -1, -1), patches + places], 1)
        states = [hidden]
        for block in self.blocks:
            states.append(block(states[-1], seen))
        states[-1] = self.norm(states[-1])
        return states


def resize_positions(pos_embed: Tensor, before: tuple[int, int], after: tuple[int, int]) -> Tensor:
    """Positions [1, 2 + rows * columns, dim] learnt on one grid, brought over to another.

    Each direction by itself: the middle is cut out where the new grid is smaller, and a larger one
    is reached by bilinear interpolation. Tokens in the order "mel".
    Source: arXiv:2110.09784, its code. Differs: any number of rows, where the code has 8.
    """
    special, places = pos_embed[:, :N_SPECIAL], pos_embed[:, N_SPECIAL:]
    check_shape(
        "pos_embed",
        pos_embed,
        (1, N_SPECIAL + before[0] * before[1], "dim"),
        mend="Say the grid that these positions were learnt on.",
    )
    grid = places.transpose(1, 2).unflatten(2, before)  # [1, dim, rows, columns]
    for axis in (2, 3):
        wanted, there = after[axis - 2], grid.shape[axis]
        if wanted < there:
            grid = grid.narrow(axis, (there - wanted) // 2, wanted)
    if tuple(grid.shape[2:]) != tuple(after):
        grid = F.interpolate(grid, size=after, mode="bilinear", align_corners=False)
    return torch.cat([special, grid.flatten(2).transpose(1, 2)], 1)
