"""A push against embeddings that all lie along a few axes."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.shapes import check_shape


def embedding_spread(rows: Tensor) -> Tensor:
    """mean |a_ij| / ||A||_F of unit rows A [batch, dim]: smallest where each row uses few axes.

    Of unit rows the norm is sqrt(batch), so it is the mean size of an entry over that. Source:
    arXiv:2303.17395 and arXiv:2411.18953, released code ("embedding regularisation").
    """
    check_shape("rows", rows, ("batch", "dim"), mend="Pass one side's embeddings.")
    return rows.abs().mean() / torch.linalg.matrix_norm(rows).clamp(min=1e-12)
