"""A batch: padded waveforms with their real lengths, captions and targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.data.clip import Clip


@dataclass
class Batch:
    """What one training step takes."""

    waveform: Tensor  # [batch, samples], float32 in [-1, 1], zeros after n_samples
    n_samples: Tensor  # [batch], int64, real lengths
    captions: list[str]  # one a clip, drawn anew on every visit
    all_captions: list[tuple[str, ...]]
    target: Tensor | None  # [batch], int64 index of the label; None unless each clip has one label
    labels_hot: Tensor | None  # [batch, n_labels], 1.0 for each label of the clip; None without
    clips: list[Clip]

    def __len__(self) -> int:
        return len(self.clips)

    def rows(self, part: slice) -> Batch:
        """Some of its clips as a batch of the same width."""
        return Batch(
            waveform=self.waveform[part],
            n_samples=self.n_samples[part],
            captions=self.captions[part],
            all_captions=self.all_captions[part],
            target=None if self.target is None else self.target[part],
            labels_hot=None if self.labels_hot is None else self.labels_hot[part],
            clips=self.clips[part],
        )

    def to(self, device: torch.device | str) -> Batch:
        """The same batch with its tensors on `device`."""
        return dataclasses.replace(
            self,
            waveform=self.waveform.to(device, non_blocking=True),
            n_samples=self.n_samples.to(device, non_blocking=True),
            target=None if self.target is None else self.target.to(device, non_blocking=True),
            labels_hot=(
                None if self.labels_hot is None else self.labels_hot.to(device, non_blocking=True)
            ),
        )


def collate(
    waveforms: Sequence[np.ndarray],
    captions: Sequence[str],
    clips: Sequence[Clip],
    index_of: dict[str, int],
) -> Batch:
    """A batch of waveforms [samples] each; `index_of` numbers the labels."""
    lengths = [len(waveform) for waveform in waveforms]
    padded = torch.zeros(len(waveforms), max(lengths, default=0))  # [batch, samples]
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))
    hot = torch.zeros(len(clips), len(index_of)) if index_of else None  # [batch, n_labels]
    if hot is not None:
        for row, clip in zip(hot, clips, strict=True):
            row[[index_of[label] for label in clip.labels]] = 1.0
    single = bool(clips) and all(len(clip.labels) == 1 for clip in clips)
    return Batch(
        waveform=padded,
        n_samples=torch.tensor(lengths, dtype=torch.int64),
        captions=list(captions),
        all_captions=[clip.captions for clip in clips],
        target=torch.tensor([index_of[clip.labels[0]] for clip in clips]) if single else None,
        labels_hot=hot,
        clips=list(clips),
    )
