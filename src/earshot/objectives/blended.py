"""Continuous weights and each clip's own negatives in one softmax."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.shapes import check_shape
from earshot.objectives.gather import first_row, gather_rows
from earshot.objectives.hard_negatives import check_owned, own_logits
from earshot.objectives.infonce import check_finite, check_pairs, cross_entropy


class BlendedContrast(nn.Module):
    """The symmetric loss of CLAP, whose clips also meet their own false captions, and whose other
    captions may count in part.

    Clip to caption: cross-entropy against the weights of all captions; its own negatives stand
    among the candidates with weight zero. Caption to clip: plain InfoNCE. With the identity as
    weights this is HardNegatives, without negatives the mean form of CWCL, with neither InfoNCE.
    Each process scores its own rows against everyone's.
    Source: arXiv:2310.08753, Eq. 2, with the target of arXiv:2309.14580, section 3.
    """

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        negative_embeddings: Tensor,
        owner: Tensor,
        scale: Tensor,
        *,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Mean loss in nats.

        Embeddings of clips and captions [batch, dim]: unit rows, paired by row. negative_embeddings
        [negatives, dim] with owner [negatives] int64, the row of the clip each is false of. weights
        [batch, all captions]: how much each clip's captions count; its own alone when left out.
        """
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text = audio_embeddings.float(), text_embeddings.float()
            negatives, scale = negative_embeddings.float(), scale.float()
            check_pairs(audio, text)
            check_owned("negative_embeddings", negatives, owner, audio)
            all_text = gather_rows(text)
            own = torch.eye(len(all_text), device=audio.device)[first_row(len(audio)) :][
                : len(audio)
            ]  # [batch, all captions]
            target = own if weights is None else weights.detach().float()
            mend = "Give every clip a weight for every caption of all processes."
            check_shape("weights", target, tuple(own.shape), mend=mend)
            extra = own_logits(audio, negatives, owner, scale)  # [batch, negatives]
            to_text = torch.cat([scale * audio @ all_text.T, extra], 1)
            loss = _against(to_text, target) + cross_entropy(
                scale * text @ gather_rows(audio).T, own
            )
            return check_finite(loss / 2)


def _against(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy where the last columns, some of them minus infinity, have no weight."""
    target = target / target.sum(1, keepdim=True)
    log_share = logits.log_softmax(1)[:, : target.shape[1]]
    return -(target * log_share).sum(1).mean()
