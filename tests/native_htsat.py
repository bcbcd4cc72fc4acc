"""HTSAT as its authors name its parts: a Swin transformer over a folded log-mel, for parity tests.

Written from arXiv:2202.00874 and arXiv:2103.14030; nothing of `transformers` or of EarShot in it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, dim: int, window: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads, side = n_heads, 2 * window - 1
        self.relative_position_bias_table = nn.Parameter(torch.zeros(side * side, n_heads))
        y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
        y, x = y.flatten(), x.flatten()
        down, across = y[:, None] - y[None] + window - 1, x[:, None] - x[None] + window - 1
        self.register_buffer("relative_position_index", down * side + across)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """tokens [windows, places, dim]; mask [windows of one image, places, places]."""
        n, places, dim = tokens.shape
        split = self.qkv(tokens).reshape(n, places, 3, self.n_heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * (dim // self.n_heads) ** -0.5
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        scores = scores + bias.reshape(places, places, -1).permute(2, 0, 1)
        if mask is not None:
            shape = (-1, len(mask), self.n_heads, places, places)
            scores = (scores.reshape(shape) + mask[None, :, None]).reshape(scores.shape)
        return self.proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(n, places, dim))


class Mlp(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(tokens)))


class Block(nn.Module):
    def __init__(self, dim: int, grid: int, window: int, n_heads: int, shift: int) -> None:
        super().__init__()
        self.grid, self.window, self.shift = grid, window, shift if grid > window else 0
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn, self.mlp = Attention(dim, window, n_heads), Mlp(dim)
        if self.shift:
            area = torch.zeros(grid)
            area[-window : -self.shift], area[-self.shift :] = 1, 2
            areas = self.windows((3 * area[:, None] + area[None])[None, :, :, None])[..., 0]
            apart = areas[:, None] != areas[:, :, None]
            self.register_buffer("attn_mask", apart.float() * -100)
        else:
            self.attn_mask = None

    def windows(self, image: Tensor) -> Tensor:
        """[batch, grid, grid, dim] -> [batch * windows, window ** 2, dim]."""
        n, w = self.grid // self.window, self.window
        cut = image.reshape(-1, n, w, n, w, image.shape[-1]).transpose(2, 3)
        return cut.reshape(-1, w * w, image.shape[-1])

    def forward(self, tokens: Tensor) -> Tensor:
        batch, _, dim = tokens.shape
        n, w = self.grid // self.window, self.window
        image = self.norm1(tokens).reshape(batch, self.grid, self.grid, dim)
        image = image.roll((-self.shift, -self.shift), (1, 2))
        heard = self.attn(self.windows(image), self.attn_mask)
        heard = heard.reshape(batch, n, n, w, w, dim).transpose(2, 3)
        heard = heard.reshape(batch, self.grid, self.grid, dim)
        heard = heard.roll((self.shift, self.shift), (1, 2))
        tokens = tokens + heard.flatten(1, 2)
        return tokens + self.mlp(self.norm2(tokens))


class Merge(nn.Module):
    def __init__(self, dim: int, grid: int) -> None:
        super().__init__()
        self.grid, self.norm = grid, nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        image = tokens.reshape(len(tokens), self.grid, self.grid, -1)
        corners = [image[:, y::2, x::2] for x in (0, 1) for y in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1).flatten(1, 2)))


class Stage(nn.Module):
    def __init__(self, dim: int, grid: int, window: int, n_heads: int, depth: int, last: bool):
        super().__init__()
        shifts = [0 if i % 2 == 0 else window // 2 for i in range(depth)]
        self.blocks = nn.ModuleList(Block(dim, grid, window, n_heads, s) for s in shifts)
        self.downsample = None if last else Merge(dim, grid)

    def forward(self, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class Patches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj, self.norm = nn.Conv2d(1, dim, 4, 4), nn.LayerNorm(dim)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.proj(image).flatten(2).transpose(1, 2))


class NativeHtsat(nn.Module):
    """`forward` gives the pooled embedding [batch, dim] and the fine one [batch, 32, dim]."""

    def __init__(self, dim: int, depths: tuple[int, ...], n_heads: tuple[int, ...]) -> None:
        super().__init__()
        self.bn0, self.patch_embed = nn.BatchNorm2d(64), Patches(dim)
        last = len(depths) - 1
        self.layers = nn.ModuleList(
            Stage(dim * 2**i, 64 // 2**i, 8, n_heads[i], depths[i], i == last)
            for i in range(len(depths))
        )
        self.dim = dim * 2**last
        self.norm = nn.LayerNorm(self.dim)
        self.tscam_conv = nn.Conv2d(self.dim, 527, (64 // 2**last // 4, 3), padding=(0, 1))
        self.head = nn.Linear(527, 527)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """log_mel [batch, n_mels, frames]."""
        log_mel = self.bn0(log_mel[..., None])[..., 0]
        image = F.interpolate(
            log_mel.transpose(1, 2)[:, None], (1024, 64), mode="bicubic", align_corners=True
        )[:, 0]  # [batch, 1024 frames, 64 mels]
        chunks = image.transpose(1, 2).reshape(len(image), 64, 4, 256)  # mel, chunk, time
        tokens = self.patch_embed(chunks.transpose(1, 2).reshape(len(image), 1, 256, 256))
        for stage in self.layers:
            tokens = stage(tokens)
        tokens = self.norm(tokens)
        side = round(tokens.shape[1] ** 0.5)
        folded = tokens.reshape(len(image), 4, side // 4, side, self.dim)  # chunk, band, step
        fine = folded.mean(2).flatten(1, 2)  # [batch, 4 chunks of steps, dim]
        return tokens.mean(1), fine
