"""The loss of WavCaps' retriever: contrast with several positives, and a spread of embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.objectives.infonce import InfoNCE


class AseLoss(nn.Module):
    """InfoNCE in which all captions of one clip are its positives, plus `spread` of both sides.

    L = (CE(s, y) + CE(s^T, y)) / 2 + spread(A) + spread(T), with s = A T^T * scale, where y marks
    rows of one clip in equal parts. Source: arXiv:2303.17395, its code; scale stands for 1 / temp.
    """

    def __init__(self, *, regularise: bool = True) -> None:
        super().__init__()
        self.contrast, self.regularise = InfoNCE(), regularise

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        scale: Tensor,
        groups: Tensor | None = None,
    ) -> Tensor:
        """Mean loss in nats. Embeddings [batch, dim]: unit rows; groups [batch]: numbers of clips.

        Raises EarShotError for shapes that do not fit and for NaN or infinite input.
        """
        loss = self.contrast(audio_embeddings, text_embeddings, scale, groups=groups)
        if not self.regularise:
            return loss
        return loss + spread(audio_embeddings) + spread(text_embeddings)


def spread(embeddings: Tensor) -> Tensor:
    """mean |A| / ||A||_F of embeddings [batch, dim]: for unit rows mean |A| / sqrt(batch).

    It falls as a row's numbers gather in few dimensions. Source: arXiv:2303.17395, its code.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        rows = embeddings.float()
        return rows.abs().mean() / rows.square().sum().sqrt()
