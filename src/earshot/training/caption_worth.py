"""What written captions are worth: against references, and by the sounds that they tell of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from earshot.data import Clip
from earshot.data.shared import shared_folds
from earshot.decoders.decoding import DecodingConfig
from earshot.metrics.caption_events import EventReader, Gold, event_figures
from earshot.metrics.caption_scores import caption_scores
from earshot.models.embedder import Embedder
from earshot.models.gap_bridge import GapBridge, mean_gap
from earshot.models.hard_prompts import TextBank
from earshot.models.soft_hard_captioner import SoftHardCaptioner

ESC10 = {  # what tells of a label in people's words
    "dog": ("dog", "bark", "barking"), "rooster": ("rooster", "crow", "chicken", "cockerel"),
    "rain": ("rain", "raining"), "sea waves": ("wave", "ocean", "surf", "sea"),
    "crackling fire": ("fire", "crackle", "crackling"), "crying baby": ("baby", "infant", "cry"),
    "sneezing": ("sneeze", "sneezing"), "clock tick": ("clock", "tick", "ticking"),
    "helicopter": ("helicopter", "chopper"), "chainsaw": ("chainsaw", "saw"),
}  # fmt: skip

AT_ONCE = 64  # embeddings that are captioned together
TOLD = ("event_precision", "event_recall", "event_f1", "hallucination_rate")


def written(model: SoftHardCaptioner, embeddings: Tensor) -> list[str]:
    """A caption of each embedding [clips, dim], greedily."""
    device = next(model.parameters()).device
    texts: list[str] = []
    for part in embeddings.split(AT_ONCE):
        found = model.captions_of(part.to(device), DecodingConfig())
        texts += [candidates[0].text for candidates in found]
    return texts


def worth(
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    gold: Sequence[Gold],
    reader: EventReader,
) -> dict[str, float]:
    """`cider_d`, and precision, recall, F1 and made-up sounds by the events of each clip."""
    scores = caption_scores(captions, references, ("cider_d",))
    told = event_figures(captions, gold, reader)
    return {**scores.corpus, **{name: told[name] for name in TOLD}}


def rewriting_figures(
    model: SoftHardCaptioner, held_out: Sequence[str], read: Callable[[Sequence[str]], np.ndarray]
) -> dict[str, float]:
    """`held_out_cider_d`: captions that were not learnt, written again from their embeddings."""
    if not held_out:
        return {}
    again = written(model, torch.from_numpy(read(held_out)))
    scores = caption_scores(again, [[text] for text in held_out], ("cider_d",)).corpus
    return {f"held_out_{name}": value for name, value in scores.items()}


def gap_figures(
    corpus: TextBank, bridge: GapBridge, heard: Tensor | None, seed: int
) -> dict[str, float]:
    """How far the mean text lies from the mean sound, as it is and as the decoder learns from it.

    `off_before` and `off_after` are the root mean square of how far texts lie from their own mean.
    """
    if heard is None:
        return {}
    noise = torch.Generator().manual_seed(seed)
    moved = bridge.train_text(corpus.embeddings, torch.arange(len(corpus.texts)), noise)
    figures = {}
    for name, texts in (("before", corpus.embeddings), ("after", moved)):
        figures[f"gap_{name}"] = float(mean_gap(texts, heard).norm())
        figures[f"off_{name}"] = float((texts - texts.mean(0)).norm(dim=1).square().mean().sqrt())
    return figures


def label_figures(model: SoftHardCaptioner, name: str) -> dict[str, float]:
    """`label_accuracy`: the share of ESC-10's fold 4 whose caption tells of its label."""
    clips, audio = esc10_embeddings(name, Embedder(model.ears, name))
    captions = written(model, audio)
    reader = EventReader(ESC10)
    told = [reader.events(caption) for caption in captions]
    right = [clip.labels[0] in each for clip, each in zip(clips, told, strict=True)]
    others = [bool(set(e) - set(c.labels)) for c, e in zip(clips, told, strict=True)]
    n = len(clips)
    return {"label_accuracy": sum(right) / n, "other_labels": sum(others) / n}


_HEARD: dict[str, tuple[list[Clip], Tensor]] = {}  # a claim captions the same clips again and again


def esc10_embeddings(name: str, embedder: Embedder) -> tuple[list[Clip], Tensor]:
    """The clips of fold 4, and what the model hears in them."""
    if name not in _HEARD:
        clips = [clip for clip in shared_folds("esc10", "4") if clip.split == "test"]
        rows = [embedder.embed_audio(clip.read()).mean for clip in clips]
        _HEARD[name] = clips, torch.stack([torch.from_numpy(row) for row in rows])
    return _HEARD[name]
