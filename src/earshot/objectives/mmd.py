"""How far two clouds of vectors lie apart: the maximum mean discrepancy."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.shapes import check_shape

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the mean squared distance


def mean_discrepancy(
    vectors: Tensor, others: Tensor, factors: tuple[float, ...] = FACTORS
) -> Tensor:
    """The squared MMD of vectors [n, dim] and others [m, dim], float32; 0 for equal sets.

    The kernel is a sum of Gaussians exp(-d^2 / w), w the mean squared distance between all pairs
    times each factor. No gradient passes through w. Of m = n = 1 vectors as of more.
    Source: arXiv:1206.6413, Eq. 3 (biased); five widths as in AutoTCL, arXiv:2402.10434, its code.
    """
    check_shape("vectors", vectors, ("n", "dim"), mend="Give one vector a row.")
    check_shape("others", others, ("m", vectors.shape[1]), mend="Give both sets one dim.")
    with torch.autocast(vectors.device.type, enabled=False):
        both = torch.cat([vectors, others]).float()
        squares = (both[:, None] - both[None]).square().sum(-1)  # [n + m, n + m]
        n_pairs = len(both) * (len(both) - 1)
        width = (squares.detach().sum() / n_pairs).clamp(min=torch.finfo(squares.dtype).tiny)
        kernel = torch.stack([torch.exp(-squares / (width * each)) for each in factors]).sum(0)
        n = len(vectors)
        return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
