"""Convolutions over a grid of tokens: what guesses hidden patches from those that are seen."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.post_norm_transformer import EPSILON


class GridDecoder(nn.Module):
    """`depth` times convolution, LayerNorm over channels without weights, GELU and the sum; Linear.

    Source: data2vec 2.0, arXiv:2212.07525, section 3.2, as EAT has it: 6 of kernel 3, 16 groups.
    """

    def __init__(self, dim: int, *, depth: int = 6, kernel: int = 3, groups: int = 16) -> None:
        super().__init__()
        if dim % groups or kernel % 2 == 0 or min(depth, groups) < 1:
            raise EarShotError(
                got=f"dim={dim}, depth={depth}, kernel={kernel}, groups={groups}",
                expected="groups that share dim evenly, an odd kernel, a depth of at least 1",
                mend="EAT has 768, 6, 3 and 16.",
            )
        self.blocks = nn.ModuleList(
            nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=groups) for _ in range(depth)
        )
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """tokens [batch, times * bands, dim], time after time -> the same shape."""
        image = tokens.unflatten(1, grid).permute(0, 3, 1, 2)  # [batch, dim, times, bands]
        for block in self.blocks:
            found = block(image).movedim(1, -1)
            found = F.gelu(F.layer_norm(found, found.shape[-1:], eps=EPSILON)).movedim(-1, 1)
            image = image + found
        return self.proj(image.movedim(1, -1).flatten(1, 2))
