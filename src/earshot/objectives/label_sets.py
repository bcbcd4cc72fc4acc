"""InfoNCE for clips of one and of several events: no caption that is true of a clip is punished."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.candidates import contrast
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, check_pairs


class LabelSetNCE(nn.Module):
    """InfoNCE that knows which events each row is about.

    "dog" is true of a clip of dog and cat: as its negative it would teach the opposite. So a
    caption whose events are part of a clip's is left out, both ways; captions of exactly a clip's
    events are positives in equal parts. "dog and cat" stays a negative of a clip of a dog alone.
    Source: arXiv:2408.09269, the first stage of its training.
    Differs: the mask, which the paper does not mention.
    """

    def forward(
        self, audio_embeddings: Tensor, text_embeddings: Tensor, scale: Tensor, labels_hot: Tensor
    ) -> Tensor:
        """Mean loss in nats. Embeddings [batch, dim]: unit rows, paired by row.

        labels_hot [batch, n_labels]: 1 for each event of the row, at least one a row.
        """
        mend = "Give every pair a row with 1 for each of its events."
        check_shape("labels_hot", labels_hot, (len(audio_embeddings), "n_labels"), mend=mend)
        if bool((labels_hot.sum(1) < 1).any()):
            raise EarShotError(
                got="a row without any event", expected="at least one event a row", mend=mend
            )
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            audio, text = audio_embeddings.float(), text_embeddings.float()
            check_pairs(audio, text)
            audio, text = gather_rows(audio), gather_rows(text)
            contained = part_of(gather_rows(labels_hot.float()))
            same = contained & contained.T
            counted = (~contained | same).float()
            logits = scale.float() * audio @ text.T  # [batch, batch], clip by caption
            to_text = contrast(logits, same.float(), counted).mean()
            to_audio = contrast(logits.T, same.float(), counted.T).mean()
            return check_finite((to_text + to_audio) / 2)


def part_of(labels_hot: Tensor) -> Tensor:
    """[clips, captions] of rows [rows, n_labels]: are all events of the caption in the clip?"""
    missing = (1 - labels_hot) @ labels_hot.T  # events of the caption that the clip lacks
    return missing == 0
