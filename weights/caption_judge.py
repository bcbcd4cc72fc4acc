"""How good names and captions are: thresholds on sounds to choose by, figures of a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from caption_kinds import KINDS
from caption_words import READER, caption_of
from earshot.core.seed import generator
from earshot.decoders.decoding import DecodingConfig
from earshot.metrics.caption_events import event_figures
from earshot.metrics.caption_scores import caption_scores
from earshot.models.event_namer import EventNamer
from earshot.models.named_captioner import NamedCaptioner

BETA = 0.5  # precision counts twice as much as recall where thresholds are set
GRID = [step / 4 for step in range(-12, 9)]  # logits
MORE = (0.5, 1.0, 1.5, 2.0)  # logits more for a second name: most files hold one sound
MARGIN = 0.5  # logits more for kinds that were never heard but rendered
Gold = Sequence[dict[str, Any]]


def rates(said: Sequence[Sequence[int]], truth: Tensor) -> tuple[float, float]:
    """Precision and recall of names that were said, over truth [rows, names] together."""
    right = sum(bool(truth[row, place]) for row, places in enumerate(said) for place in places)
    n_said, n_there = sum(map(len, said)), int(truth.sum())
    return right / max(n_said, 1), right / max(n_there, 1)


@torch.inference_mode()
def settle(namer: EventNamer, heard: Tensor, truth: Tensor, recorded: Sequence[str]) -> dict:
    """Set the thresholds by F on heard [rows, 3, dim], truth [rows, names]; what came of it.

    Kinds that were rendered and never recorded need MARGIN more.
    """
    logits = namer(heard.float())
    margin = torch.tensor([0.0 if kind in set(recorded) else MARGIN for kind in KINDS])
    best, found = -1.0, {}
    for least in GRID:
        for more in MORE:
            namer.least.copy_(least + margin)
            namer.more.fill_(more)
            precision, recall = rates(namer.said(logits), truth)
            score = (1 + BETA**2) * precision * recall / max(BETA**2 * precision + recall, 1e-9)
            if score > best:
                best = score
                found = {"least": least, "more": more, "precision": precision, "recall": recall}
    namer.least.copy_(found["least"] + margin)
    namer.more.fill_(found["more"])
    return found


def gold_of(events: Sequence[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """Events as the metrics have them."""
    return [
        {"kind": kind, "onset_s": begin / 100, "offset_s": end / 100} for kind, begin, end in events
    ]


def captions_for(
    model: NamedCaptioner, heard: Tensor, decoding: DecodingConfig, batch: int = 16
) -> list[str]:
    """The surest caption of each sound heard [rows, 3, dim]."""
    found = []
    for rows in heard.float().split(batch):
        found += [each[0].text for each in model.captions_of(rows, decoding)]
    return found


def figures(captions: Sequence[str], gold: Sequence[Gold], relations: Sequence[str]) -> dict:
    """What captions got right of sounds that are known."""
    told = [set(READER.events(caption)) for caption in captions]
    kinds = [[str(each["kind"]) for each in row] for row in gold]
    found = {
        "n": len(captions),
        "names_one": float(np.mean([bool(set(k) & t) for k, t in zip(kinds, told, strict=True)])),
        "names_nothing": float(np.mean([not said for said in told])),
    }
    if not all(kinds):
        return found
    rng = generator(0, "references")
    references = [
        [caption_of(row, relation if len(row) == 2 else "both", rng) for _ in range(5)]
        for row, relation in zip(kinds, relations, strict=True)
    ]
    scores = caption_scores(list(captions), references).corpus
    events = event_figures(captions, gold, READER)
    return {**found, "cider_d": scores["cider_d"], **events}
