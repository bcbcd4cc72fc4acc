"""InfoNCE in which every clip must also refuse false captions written for it alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.gather import first_row, gather_rows
from earshot.objectives.infonce import check_finite, check_pairs


class HardNegatives(nn.Module):
    """The symmetric loss of CLAP with each clip's own negative captions among its candidates.

    A clip meets its own negatives and never those of others; captions choose among clips, for which
    negatives, being texts, do not count. Without negatives this is InfoNCE. Each process scores its
    own rows against everyone's: its loss is its share, whose mean over processes is the whole.
    Source: arXiv:2310.08753, Eq. 2. Differs: foreign negatives are left out by minus infinity; the
    released code multiplies their logits by -100 000, which lifts those below zero.
    """

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        negative_embeddings: Tensor,
        owner: Tensor,
        scale: Tensor,
    ) -> Tensor:
        """Mean loss in nats.

        Embeddings of clips and captions [batch, dim]: unit rows, paired by row. negative_embeddings
        [negatives, dim]: unit rows; owner [negatives] int64: the row of the clip each is false of.
        A clip may have any number, also none. Raises EarShotError for shapes that do not fit and
        for NaN or infinite input.
        """
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text = audio_embeddings.float(), text_embeddings.float()
            negatives, scale = negative_embeddings.float(), scale.float()
            check_pairs(audio, text)
            check_owned("negative_embeddings", negatives, owner, audio)
            n_rows, start = len(audio), first_row(len(audio))
            target = torch.arange(start, start + n_rows, device=audio.device)
            to_text = torch.cat(
                [scale * audio @ gather_rows(text).T, own_logits(audio, negatives, owner, scale)], 1
            )  # [batch, all captions + negatives]
            to_audio = scale * text @ gather_rows(audio).T  # [batch, all clips]
            loss = F.cross_entropy(to_text, target) + F.cross_entropy(to_audio, target)
            return check_finite(loss / 2)


def own_logits(audio: Tensor, extra: Tensor, owner: Tensor, scale: Tensor) -> Tensor:
    """Logits [batch, extra captions] of each clip for its own, minus infinity for others'."""
    rows = torch.arange(len(audio), device=audio.device)[:, None]
    return (scale * audio @ extra.T).masked_fill(owner[None] != rows, -torch.inf)


def check_owned(name: str, extra: Tensor, owner: Tensor, audio: Tensor) -> None:
    """Refuse captions beside the first that do not fit their clips."""
    check_shape(name, extra, ("captions", audio.shape[1]), mend="Embed them as the captions are.")
    check_shape("owner", owner, (len(extra),), mend="Give every extra caption its clip's row.")
    if len(owner) and not 0 <= int(owner.min()) <= int(owner.max()) < len(audio):
        raise EarShotError(
            got=f"owner from {int(owner.min())} to {int(owner.max())}",
            expected=f"rows of this batch, 0 to {len(audio) - 1}",
            mend="Count this process's clips from 0.",
        )
    if not bool(torch.isfinite(extra).all()):
        raise EarShotError(
            got=f"{name} with NaN or infinite values",
            expected="finite numbers",
            mend="Lower the learning rate, or clip gradients.",
        )
