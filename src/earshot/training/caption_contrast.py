"""The contrastive loss of captions that machines wrote: several a clip, some words hidden."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.data import Batch
from earshot.layers.token_mask import TokenMask
from earshot.models.two_tower import TwoTower
from earshot.objectives.embedding_spread import embedding_spread
from earshot.objectives.infonce import InfoNCE
from earshot.text.masking import mask_ids


def caption_contrast(model: TwoTower, spread: float, mask: float) -> Callable[[Batch], Tensor]:
    """A batch's loss: each clip's captions told from all others, by its id, and the reverse.

    `spread` weighs the embedding regularisation of both sides; `mask` is the share of tokens that
    are hidden from the text tower. Source: arXiv:2411.18953, arXiv:2303.17395.
    """
    objective, hide = InfoNCE(), None
    if mask:
        ids = mask_ids(model.tokenizer)
        hide = TokenMask(ids.mask, mask, ids.kept)

    def loss_of(batch: Batch) -> Tensor:
        audio = model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
        tokens, padding = (each.to(audio.device) for each in model.tokenizer(batch.captions))
        tokens = tokens if hide is None else hide(tokens, padding)
        hidden = model.text_encoder(tokens, padding)
        text = F.normalize(model.text_projection(hidden).float())  # [batch, dim]
        names = {clip.id: row for row, clip in reversed(list(enumerate(batch.clips)))}
        groups = torch.tensor([names[clip.id] for clip in batch.clips], device=audio.device)
        loss = objective(audio, text, model.scale, groups=groups)
        return loss + spread * (embedding_spread(audio) + embedding_spread(text))

    return loss_of
