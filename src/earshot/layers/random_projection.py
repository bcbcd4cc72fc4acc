"""Labels of positions without any training: the nearest of random vectors, after a random map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class RandomProjectionConfig:
    """Sizes of a random-projection quantiser, and how a projection meets the codebook."""

    n_inputs: int = 256  # numbers a position has, such as the pixels of a patch
    n_codes: int = 1_024
    code_dim: int = 256
    compare: Literal["plain", "unit", "layer_norm"] = "unit"  # what projections go through first
    seed: int = 0  # of both random tables

    def __post_init__(self) -> None:
        if min(self.n_inputs, self.n_codes, self.code_dim) < 1:
            raise EarShotError(
                got=f"n_inputs={self.n_inputs}, n_codes={self.n_codes}, code_dim={self.code_dim}",
                expected="counts of at least 1",
                mend="Give sizes such as n_codes=1024, code_dim=256.",
            )


class RandomProjection(nn.Module):
    """`codes = argmin_i |v_i - norm(x W)|`, with W and v_i random and frozen for ever.

    `norm` is nothing ("plain": BEATs, Eq. 1), unit length of projections and codes alike ("unit":
    BEST-RQ, Eq. 1), or mean 0 and variance 1 over the projection's dimensions ("layer_norm": the
    open BEATs recipe). W is Xavier-normal, codes are Gaussian. Both tables are functions of the
    config, seed included, and stand in the state dict. Give inputs of mean 0 and variance 1 over
    the data: an offset that all share would leave few codes in use.
    Source: arXiv:2212.09058, Eq. 1; arXiv:2202.01855, Eq. 1.
    """

    projection: Tensor  # [n_inputs, code_dim]
    codebook: Tensor  # [n_codes, code_dim]

    def __init__(self, config: RandomProjectionConfig) -> None:
        super().__init__()
        self.config = config
        draw = torch.Generator().manual_seed(config.seed)
        sizes = {"generator": draw, "device": "cpu"}  # tables: they have values on meta too
        spread = (2.0 / (config.n_inputs + config.code_dim)) ** 0.5
        projection = torch.randn(config.n_inputs, config.code_dim, **sizes) * spread
        codebook = torch.randn(config.n_codes, config.code_dim, **sizes)
        if config.compare == "unit":
            codebook = F.normalize(codebook)
        self.register_buffer("projection", projection)
        self.register_buffer("codebook", codebook)

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        """inputs [batch, positions, n_inputs] -> codes [batch, positions], int64 in 0..n_codes-1.

        In float32 under any autocast, so that a clip's labels do not depend on the precision.
        """
        check_shape(
            "inputs",
            inputs,
            ("batch", "positions", self.config.n_inputs),
            mend="Give the quantiser the n_inputs of its positions.",
        )
        with torch.autocast(inputs.device.type, enabled=False):
            projected = inputs.float() @ self.projection  # [batch, positions, code_dim]
            if self.config.compare == "unit":
                projected = F.normalize(projected, dim=-1)
            elif self.config.compare == "layer_norm":
                projected = F.layer_norm(projected, projected.shape[-1:])
            return nearest(projected, self.codebook)


def nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index [...] of the row of codebook [n_codes, dim] that is nearest to vectors [..., dim].

    Of rows at the same distance it is the first.
    """
    # |v - c|^2 without |v|^2, which all rows share
    distance = codebook.square().sum(-1) - 2.0 * vectors @ codebook.T  # [..., n_codes]
    return distance.argmin(-1)
