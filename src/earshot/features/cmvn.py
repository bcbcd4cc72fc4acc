"""Utterance normalisation: each band of a clip to mean 0 and variance 1 over its own frames."""

from __future__ import annotations

from torch import Tensor

from earshot.core.shapes import check_shape
from earshot.features.stft import real_frames

LEAST_VARIANCE = 1e-10


def utterance_cmvn(log_mel: Tensor, n_frames: Tensor) -> Tensor:
    """log_mel [batch, n_mels, frames] with n_frames [batch] -> the same shape, normalised.

    Frames past a clip's end become 0, the mean, and count for nothing. The variance is the biased
    one and at least 1e-10, as in fairseq's and transformers' Speech2Text.
    """
    check_shape("log_mel", log_mel, ("batch", "n_mels", "frames"), mend="Stack the clips first.")
    check_shape("n_frames", n_frames, (len(log_mel),), mend="Give one length for every clip.")
    real = real_frames(n_frames.to(log_mel.device), log_mel.shape[2])[:, None]  # [batch, 1, frames]
    count = real.sum(2, keepdim=True)
    centred = log_mel - log_mel.masked_fill(~real, 0.0).sum(2, keepdim=True) / count
    centred = centred.masked_fill(~real, 0.0)
    variance = centred.square().sum(2, keepdim=True) / count
    return centred / variance.clamp(min=LEAST_VARIANCE).sqrt()
