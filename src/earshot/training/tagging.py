"""What a tagger knows: average precision over all labels, and over the rare ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from earshot.audio import AudioError
from earshot.core.errors import EarShotError
from earshot.data import ClipSet
from earshot.metrics import multi_label
from earshot.metrics.d_prime import d_prime
from earshot.models.pretraining.tagger import Tagger

AT_ONCE = 64  # clips


def tag_clips(tagger: Tagger, clips: ClipSet) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Probabilities [clips, labels] and truth of the clips that can be read, and the faults.

    A clip is heard up to the encoder's window.
    """
    encoder = tagger.encoder.eval()
    device = next(encoder.parameters()).device
    index_of = {label: index for index, label in enumerate(clips.labels)}
    rows, truth, faults = [], [], []
    for start in range(0, len(clips), AT_ONCE):
        sounds = []
        for clip in clips[start : start + AT_ONCE]:
            try:
                sound = clip.read(sample_rate=encoder.sample_rate, duration_s=encoder.window_s)
            except AudioError as fault:
                faults.append(f"{clip.id}: {fault}")
                continue
            sounds.append(torch.from_numpy(sound.waveform))
            truth.append(np.zeros(len(index_of)))
            truth[-1][[index_of[label] for label in clip.labels]] = 1.0
        if sounds:
            n_samples = torch.tensor([len(sound) for sound in sounds]).to(device)
            waveform = pad_sequence(sounds, batch_first=True).to(device)
            rows.append(tagger.probabilities(waveform, n_samples).cpu().numpy())
    if not rows:
        raise EarShotError(
            got=f"{len(clips)} clips, none of which can be read",
            expected="sounds",
            mend=f"The first fault: {faults[0] if faults else 'no clips'}",
        )
    return np.concatenate(rows), np.stack(truth), faults


def tagging_figures(
    tagger: Tagger, test: ClipSet, train: ClipSet
) -> tuple[dict[str, float], list[str]]:
    """`mAP`, `AUC`, `d_prime`, and `mAP_tail` of the half of the labels rarest in training.

    Means over the labels that the test has, each weighing the same; with the faults of clips that
    could not be read. Source: arXiv:1912.10211, section V-B.
    """
    scores, truth, faults = tag_clips(tagger, test)
    found = multi_label(scores, truth)
    counts = Counter(label for clip in train for label in clip.labels)
    by_count = sorted(test.labels, key=lambda label: (counts[label], label))
    rare = set(by_count[: len(by_count) // 2])
    tail = found.average_precision[[label in rare for label in test.labels]]
    values = found.values
    figures = {
        "mAP": values["mAP"],
        "AUC": values["AUC"],
        "d_prime": d_prime(values["AUC"]),
    }
    if np.isfinite(tail).any():
        figures["mAP_tail"] = float(np.nanmean(tail))
    return figures, faults
