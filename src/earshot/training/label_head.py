"""What a head of labels says of sounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from earshot.data import Clip
from earshot.models.sound_encoder import SoundEncoder


def label_logits(model: SoundEncoder, waveform: Tensor, n_samples: Tensor) -> Tensor:
    """Before any softmax or sigmoid, [batch, n_labels], of an encoder that has a head."""
    logits: Tensor = model.audio_encoder.logits(*model.frames(waveform, n_samples))
    return logits


def head_scores(model: SoundEncoder, clips: Sequence[Clip]) -> np.ndarray:
    """The same of clips that can be read, [clips, n_labels]; of long ones the first window."""
    device, rows = next(model.parameters()).device, []
    with torch.inference_mode():
        for clip in clips:
            sound = clip.read(sample_rate=model.sample_rate, duration_s=model.window_s).waveform
            waveform = torch.from_numpy(np.ascontiguousarray(sound))[None].to(device)
            n_samples = torch.tensor([len(sound)], device=device)
            rows.append(label_logits(model, waveform, n_samples)[0].double().cpu().numpy())
    return np.stack(rows)
