"""PANNs' CNN14 that decides segment by segment: what is heard, and when."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.layers.pooling import mean_of_real, padding_of


class Attention(nn.Module):
    """For each class, which segments its probability is taken from; names as released.

    `bn_att` is in the released files and used by nothing.
    """

    def __init__(self, n_in: int, n_classes: int):
        super().__init__()
        self.att, self.cla = nn.Conv1d(n_in, n_classes, 1), nn.Conv1d(n_in, n_classes, 1)
        self.bn_att = nn.BatchNorm1d(n_classes)
        for conv in (self.att, self.cla):
            nn.init.xavier_uniform_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward(self, segments: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        """segments [batch, positions, dim] -> weights and probabilities, [batch, positions, n]."""
        attention = self.att(segments.transpose(1, 2)).clamp(-10.0, 10.0)
        weights = attention.masked_fill(padding[:, None], -torch.inf).softmax(2)
        return weights.transpose(1, 2), self.cla(segments.transpose(1, 2)).sigmoid().transpose(1, 2)


class DecisionCnn(PannsCnn):
    """A PANNs CNN whose head reads every segment; the clip's probability is joined from theirs.

    A segment is 2**n_pools frames (0.32 s in the released models). "max" takes the loudest
    decision, "mean" all alike, "attention" what it attends to for each class. The embedding is the
    mean of the segments that the head reads; the paper names none for these models.
    Source: arXiv:1912.10211, its code (Cnn14_DecisionLevelMax, -Avg and -Att).
    """

    def __init__(self, config: CnnConfig):
        super().__init__(config)
        if config.decision is None or not config.n_classes:
            raise EarShotError(
                got=f"decision={config.decision} with n_classes={config.n_classes}",
                expected="max, mean or attention, and classes to decide on",
                mend="Set both, or take PannsCnn.",
            )
        if config.decision == "attention":
            self.fc_audioset = None
            self.att_block = Attention(config.dim, config.n_classes)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] in dB, n_frames [batch] -> embedding [batch, dim]."""
        segments, padding = self.segments(log_mel, n_frames)
        return mean_of_real(segments, padding)

    def logits(self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None) -> Tensor:
        """The logits [batch, n_classes] of the clip's probabilities."""
        clip, _ = self.decide(*self.segments(log_mel, n_frames, shares))
        return torch.logit(clip, eps=1e-6)

    def framewise(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Probabilities [batch, frames, n_classes], alike through a segment.

        Past the last whole segment, and past a clip's end, its last segment's go on.
        """
        segments, padding = self.segments(log_mel, n_frames)
        _, decided = self.decide(segments, padding)
        n_real = (~padding).sum(1, keepdim=True)  # [batch, 1]
        frames = torch.arange(log_mel.shape[2], device=log_mel.device)[None]
        segment = (frames // 2**self.config.n_pools).minimum(n_real - 1)  # [batch, frames]
        return decided.gather(1, segment[..., None].expand(-1, -1, decided.shape[2]))

    def segments(
        self, log_mel: Tensor, n_frames: Tensor, shares: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the head reads of each segment [batch, positions, dim], and which are padding."""
        hidden, n_real = self.maps(log_mel, n_frames, shares)
        padding = padding_of(n_real, hidden.shape[2])
        hidden = hidden.mean(3).masked_fill(padding[:, None], 0.0)  # [batch, channels, positions]
        # nothing is below 0 here: a padded 0 is to the maximum what no neighbour is
        hidden = F.max_pool1d(hidden, 3, 1, 1) + F.avg_pool1d(hidden, 3, 1, 1)
        hidden = F.dropout(hidden, self.config.dropout, self.training).transpose(1, 2)
        hidden = F.dropout(F.relu(self.fc1(hidden)), self.config.dropout, self.training)
        return hidden, padding

    def decide(self, segments: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the clip [batch, n_classes], and of each segment [.., positions, ..]."""
        if self.fc_audioset is None:
            weights, decided = self.att_block(segments, padding)
            return (weights * decided).sum(1), decided
        decided = self.fc_audioset(segments).sigmoid()
        if self.config.decision == "max":
            return decided.masked_fill(padding[..., None], 0.0).amax(1), decided
        return mean_of_real(decided, padding), decided
