"""A contrastive loss over captions of several granularities: all parts of a clip that are named."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.shapes import check_shape
from earshot.objectives.gather import first_row, gather_rows
from earshot.objectives.hard_negatives import check_owned, own_logits
from earshot.objectives.infonce import check_finite, check_pairs


class ModularContrastive(nn.Module):
    """Pull each clip to its caption and to captions of its parts, and off its own false ones.

    Clip to text: every positive of a clip competes with all captions written for that clip, true
    and false, and with the whole captions of the other clips; the mean is over its positives, then
    over clips. Text to clip: every positive of every clip chooses among all clips. With no captions
    beside the whole ones this is InfoNCE. Each process's loss is its share, whose mean over
    processes is the whole. Source: arXiv:2310.08753, Eq. 3, in the form of a mask. Differs: it
    gathers over processes, as the released third stage does not, and masks by minus infinity.
    """

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        extra_embeddings: Tensor,
        owner: Tensor,
        is_positive: Tensor,
        scale: Tensor,
    ) -> Tensor:
        """Mean loss in nats.

        Embeddings of clips and whole captions [batch, dim]: unit rows, paired by row.
        extra_embeddings [extra, dim]: captions beside them; owner [extra] int64: the row of each
        one's clip; is_positive [extra] bool: true of a part of it, or false. Raises EarShotError
        for shapes that do not fit and for NaN or infinite input.
        """
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text = audio_embeddings.float(), text_embeddings.float()
            extra, scale = extra_embeddings.float(), scale.float()
            check_pairs(audio, text)
            check_owned("extra_embeddings", extra, owner, audio)
            mend = "Say of every extra caption whether it is true."
            check_shape("is_positive", is_positive, (len(extra),), mend=mend)
            positive = is_positive.bool()
            loss = _to_text(audio, text, extra, owner, positive, scale)
            loss = loss + _to_audio(audio, text, extra[positive], owner[positive], scale)
            return check_finite(loss / 2)


def _to_text(
    audio: Tensor, text: Tensor, extra: Tensor, owner: Tensor, positive: Tensor, scale: Tensor
) -> Tensor:
    """Mean over clips of the mean over each one's positives."""
    n_rows, start = len(audio), first_row(len(audio))
    all_text = gather_rows(text)
    logits = torch.cat(
        [scale * audio @ all_text.T, own_logits(audio, extra, owner, scale)], 1
    )  # [batch, all captions + extra]
    rows = torch.arange(n_rows, device=audio.device)
    wanted = torch.zeros_like(logits, dtype=torch.bool)
    wanted[rows, start + rows] = True
    wanted[:, len(all_text) :] = (owner[None] == rows[:, None]) & positive[None]
    costs = torch.where(wanted, -logits.log_softmax(1), 0.0)  # also where a logit is -infinity
    return (costs.sum(1) / wanted.sum(1)).mean()


def _to_audio(audio: Tensor, text: Tensor, true: Tensor, owner: Tensor, scale: Tensor) -> Tensor:
    """This process's share of the mean over all positives of all clips."""
    start = first_row(len(audio))
    rows = torch.arange(len(audio), device=audio.device)
    target = start + torch.cat([rows, owner])
    logits = scale * torch.cat([text, true]) @ gather_rows(audio).T  # [positives, all clips]
    counts = gather_rows(torch.tensor([len(target)], device=audio.device))  # of every process
    return F.cross_entropy(logits, target, reduction="sum") * len(counts) / counts.sum()
