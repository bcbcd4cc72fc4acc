"""A sound as three embeddings, the whole and both halves, out of one pass of the convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnn
from earshot.models.sound_encoder import SoundEncoder

PARTS = ("whole", "first half", "second half")
LEAST_STEPS = 6  # about a second: a shorter sound is not parted, all three are the whole


def halves_of(ears: SoundEncoder, waveform: Tensor, n_samples: Tensor) -> Tensor:
    """Unit rows [batch, 3, dim] of waveform [batch, samples], n_samples [batch] real ones."""
    return halves_of_frames(ears, *ears.frames(waveform, n_samples))


def halves_of_frames(ears: SoundEncoder, log_mel: Tensor, n_frames: Tensor) -> Tensor:
    """The same of log_mel [batch, n_mels, frames], n_frames [batch] real ones.

    Raises EarShotError for ears that do not tell steps from their pooling.
    """
    encoder = ears.audio_encoder
    if not isinstance(encoder, EarshotCnn):
        raise EarShotError(
            got=f"halves of what {type(encoder).__name__} hears",
            expected="the ears of earshot-small",
            mend="Set halves=false.",
        )
    steps, padding = encoder.steps(log_mel, n_frames)
    n_steps = (~padding).sum(1, keepdim=True)  # [batch, 1]
    place = torch.arange(steps.shape[1], device=steps.device)[None]
    late = place >= (n_steps + 1) // 2
    whole = n_steps < LEAST_STEPS
    masks = (padding, padding | (late & ~whole), padding | (~late & ~whole))
    pooled = [ears.audio_projection(encoder.pooled(steps, mask)).float() for mask in masks]
    return F.normalize(torch.stack(pooled, dim=1), dim=-1)
