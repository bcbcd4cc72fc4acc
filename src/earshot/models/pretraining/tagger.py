"""Tagging as a task to learn from: many labels a clip, two clips in one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.mixup import draw_mixing, mix_pairs
from earshot.models.sound_encoder import SoundEncoder


class Tagger(nn.Module):
    """A sound encoder with a head of labels, PannsCnn or what derives from it, as it is trained.

    Binary cross-entropy over the labels, mean over the batch. With `mixup` above 0 a batch of 2n
    clips is mixed to n while training, after the log-mel is normalised, and so are its labels.
    Source: arXiv:1912.10211, Eq. 1, and section V-D.
    """

    def __init__(self, encoder: SoundEncoder, mixup: float = 1.0) -> None:
        super().__init__()
        self.encoder, self.mixup = encoder, mixup
        self.sample_rate = encoder.sample_rate
        if not hasattr(encoder.audio_encoder, "logits"):
            raise EarShotError(
                got=f"{type(encoder.audio_encoder).__name__}, which has no head of labels",
                expected="a PANNs CNN with n_classes above 0",
                mend="Set model.audio.cnn or model.audio.wavegram.",
            )

    def forward(self, waveform: Tensor, n_samples: Tensor, labels_hot: Tensor) -> dict[str, Tensor]:
        """The loss of a batch: waveform [batch, samples], labels_hot [batch, n_labels]."""
        log_mel, n_frames = self.encoder.frames(waveform, n_samples)
        shares = None
        if self.training and self.mixup > 0:
            if len(waveform) % 2:
                raise EarShotError(
                    got=f"{len(waveform)} clips to mix in pairs",
                    expected="an even number in each process",
                    mend="Set an even batch_size, or mixup=0.",
                )
            shares = draw_mixing(len(waveform), self.mixup, waveform.device)
            labels_hot = mix_pairs(labels_hot, shares)
        logits = self.encoder.audio_encoder.logits(log_mel, n_frames, shares)
        return {"loss": F.binary_cross_entropy_with_logits(logits.float(), labels_hot)}

    @torch.no_grad()
    def probabilities(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """How likely each label is in each clip, [batch, n_labels]."""
        return self.encoder.audio_encoder.logits(
            *self.encoder.frames(waveform, n_samples)
        ).sigmoid()
