"""What a pre-training model's codes are worth on sounds that it was not taught by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from earshot.data import Batch
from earshot.metrics.label_information import label_information
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.speech_probes import Spoken


class Coder(Protocol):
    """A pre-training model with codes: `models/pretraining/w2v_bert.py`, `best_rq.py`."""

    @property
    def n_codes(self) -> int: ...  # noqa: D102

    def eval(self) -> object: ...  # noqa: D102

    def __call__(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]: ...  # noqa: D102

    def codes(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: D102


@torch.inference_mode()
def held_out_figures(
    pretraining: Coder, model: SoundEncoder, batches: Iterable[Batch], seed: int
) -> dict[str, float]:
    """Parts of the loss as `test_...`, means over clips, and `code_perplexity` over all of them.

    Masks and distractors are drawn by `seed`. With several codebooks the perplexity is their mean.
    """
    pretraining.eval()
    device = next(model.parameters()).device
    sums: dict[str, float] = {}
    counts, n_clips = torch.zeros(0), 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for batch in batches:
            moved = batch.to(device)
            heard = model.frames(moved.waveform, moved.n_samples)
            for name, value in pretraining(*heard).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(batch)
            n_clips += len(batch)
            codes, padding = pretraining.codes(*heard)
            found = torch.stack(
                [each.bincount(minlength=pretraining.n_codes) for each in codes[~padding].T]
            )  # [codebooks, n_codes]
            counts = found if not len(counts) else counts + found
    share = counts.double() / counts.sum(1, keepdim=True)
    figures = {f"test_{name}": total / n_clips for name, total in sums.items()}
    figures.pop("test_code_perplexity", None)  # of a batch, where this is of all
    perplexity = torch.special.entr(share).sum(1).exp().mean()
    return {**figures, "code_perplexity": float(perplexity)}


@torch.inference_mode()
def code_information(pretraining: Coder, model: SoundEncoder, spoken: Spoken) -> float:
    """How much of the phones' entropy the codes say: 0 for nothing, 1 for all.

    Of the first codebook, position by position; a position's phone is that of its middle.
    """
    pretraining.eval()
    device = next(model.parameters()).device
    found, known = [], []
    for waveform, phones in zip(spoken.waveforms, spoken.phones, strict=True):
        samples = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None].to(device)
        n_samples = torch.tensor([len(waveform)], device=device)
        heard = model.frames(samples, n_samples)
        codes, padding = pretraining.codes(*heard)
        own = codes[~padding][:, 0].cpu().numpy()  # [positions]
        step_s = model.position_s(model.layers(samples, n_samples))
        middle = ((np.arange(len(own)) + 0.5) * step_s / spoken.frame_s).astype(np.int64)
        found.append(own)
        known.append(phones[np.clip(middle, 0, len(phones) - 1)])
    labels, classes = np.concatenate(found), np.concatenate(known)
    return label_information(labels, classes, pretraining.n_codes).share
