"""Honest figures: sounds that were left out, named in free text, and scenes told in two orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.models.two_tower import TwoTower
from phrases import HELD_OUT
from scenery import order_accuracy_clips
from sounds import PLAIN, Sound

WINDOW = 1_000  # frames
DEPTH = 10


def heard(model: TwoTower, log_mels: Sequence[np.ndarray]) -> Tensor:
    """Unit rows [clips, dim]: the normalised mean over windows of 10 s."""
    rows = []
    for log_mel in log_mels:
        windows = [log_mel[:, s : s + WINDOW] for s in range(0, log_mel.shape[1], WINDOW)]
        if len(windows) > 1 and windows[-1].shape[1] < WINDOW // 10:
            windows.pop()
        parts = [
            model.audio_encoder(
                torch.tensor(w.astype(np.float32))[None], torch.tensor([w.shape[1]])
            )
            for w in windows
        ]
        rows.append(F.normalize(model.audio_projection(torch.cat(parts))).mean(0))
    return F.normalize(torch.stack(rows))


def average_precision(scores: Tensor, relevant: Tensor) -> float:
    """AP at DEPTH of one query: precision at each hit, over the most hits that could be."""
    hit = relevant[scores.argsort(descending=True)[:DEPTH]].float()
    precision = hit.cumsum(0) / torch.arange(1, len(hit) + 1)
    return float((precision * hit).sum() / min(DEPTH, int(relevant.sum())))


def accuracy(
    audio: Tensor, truth: list[str], names: list[str], texts: Tensor
) -> tuple[float, Counter]:
    """Share of clips whose nearest text is their own class, and what was taken for what."""
    found = [names[i] for i in (audio @ texts.T).argmax(1).tolist()]
    wrong = Counter(f"{a} -> {b}" for a, b in zip(truth, found, strict=True) if a != b)
    return 1 - sum(wrong.values()) / len(truth), wrong


@torch.inference_mode()
def judge(model: TwoTower, sounds: Sequence[Sound], *, n_orders: int = 150) -> dict[str, Any]:
    """Figures over sounds that were not taught: by label and by held-out phrases, and order."""
    model.eval()
    audio = heard(model, [sound.mels[PLAIN] for sound in sounds])
    truth = [sound.concept for sound in sounds]
    figures: dict[str, Any] = {}
    for origin in ("esc10", "instruments"):
        rows = [i for i, sound in enumerate(sounds) if sound.origin == origin]
        names, own = sorted({truth[i] for i in rows}), [truth[i] for i in rows]
        label, wrong = accuracy(audio[rows], own, names, model.embed_text(names))
        free = [
            accuracy(audio[rows], own, names, model.embed_text([HELD_OUT[n][k] for n in names]))[0]
            for k in range(4)
        ]
        right = Counter(own) - Counter(w.split(" -> ")[0] for w in wrong.elements())
        figures[origin] = {
            "n": len(rows), "accuracy": label, "accuracy_free_text": float(np.mean(free)),
            "accuracy_free_text_each": free, "confusion": dict(wrong),
            "per_class": {name: right[name] / own.count(name) for name in names},
        }  # fmt: skip
    names = sorted(set(truth))
    relevant = {name: torch.tensor([t == name for t in truth]) for name in names}
    by_label = model.embed_text(names) @ audio.T
    figures["map_at_10"] = float(
        np.mean([average_precision(by_label[i], relevant[n]) for i, n in enumerate(names)])
    )
    free = [
        average_precision(row, relevant[name])
        for name in names
        for row in model.embed_text(list(HELD_OUT[name])) @ audio.T
    ]
    figures["map_at_10_free_text"] = float(np.mean(free))
    figures["order"] = order(model, n_orders)
    return figures


def order(model: TwoTower, n: int) -> dict[str, float]:
    """Share of procedural clips nearer to the caption in their own order than to the turned one."""
    mels, twins, captions, turned = zip(*order_accuracy_clips(987_654, n), strict=True)
    told, wrong = model.embed_text(captions), model.embed_text(turned)
    margins = [
        (heard(model, clips) * (told - wrong)).sum(1) * sign
        for clips, sign in ((mels, 1), (twins, -1))
    ]
    return {"n": 2 * n, "accuracy": float((torch.cat(margins) > 0).float().mean())}
