"""What a two-tower model is worth on clips that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from earshot.audio import Audio, AudioError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.metrics import accuracy, audio_to_text, text_to_audio
from earshot.models.embedder import Embedder
from earshot.models.two_tower import TwoTower
from earshot.text.prompt_ensemble import ensemble
from earshot.text.prompts import fill_prompt

Read = Callable[[Sequence[str]], np.ndarray]  # texts -> unit rows [texts, dim]


class ClipRows(Protocol):
    """A clip's embedding as an Embedder gives it."""

    windows: np.ndarray  # [windows, dim]

    @property
    def mean(self) -> np.ndarray: ...  # noqa: D102


class Listener(Protocol):
    """An Embedder, as far as an evaluation needs it."""

    sample_rate: int

    def embed_audio(self, source: Audio) -> ClipRows: ...  # noqa: D102
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray: ...  # noqa: D102


@dataclass(frozen=True)
class Heard:
    """Clips with their embeddings."""

    embeddings: np.ndarray  # [clips, dim], unit rows
    clips: list[Clip]
    n_long: int = 0  # clips that took more than one window
    faults: list[str] = field(default_factory=list)  # of clips that could not be read


def hear(listener: Listener, clips: Sequence[Clip]) -> Heard:
    """Every clip as the model listens when it is used: all of it, the same at every call."""
    rows, kept, n_long, faults = [], [], 0, []
    for clip in clips:
        try:
            sound = clip.read(sample_rate=listener.sample_rate)
        except AudioError as fault:
            faults.append(f"{clip.id}: {fault}")
            continue
        embedding = listener.embed_audio(sound)
        rows.append(embedding.mean)
        kept.append(clip)
        n_long += len(embedding.windows) > 1
    return Heard(np.stack(rows) if rows else np.zeros((0, 1), np.float32), kept, n_long, faults)


def hear_crops(
    embed_audio: Callable[[Tensor, Tensor], Tensor],
    loader: BatchLoader,
    device: torch.device | str,
) -> Heard:
    """Every clip once as `loader` crops it: with crop="random", as papers with random crops do."""
    rows, clips = [], []
    with torch.inference_mode():
        for batch in loader.epoch():
            batch = batch.to(device)
            rows.append(embed_audio(batch.waveform, batch.n_samples).float().cpu().numpy())
            clips += batch.clips
    return Heard(np.concatenate(rows), clips)


def two_tower_figures(
    model: TwoTower, test: ClipSet, known: set[str], prompt: str
) -> tuple[dict[str, float], Heard]:
    """Naming and retrieval on the test clips, heard as the model is used.

    Clips beyond the window are fused or squeezed where the model does that, else read in windows
    whose mean is the clip. `known` are the labels of training.
    """
    whole: Literal["fusion", "windows"] = "windows" if model.long_clips is None else "fusion"
    embedder = Embedder(model, "run", long_clips=whole, device=model.logit_scale.device)
    heard = hear(embedder, test)
    figures = zero_shot_figures(
        embedder.embed_texts, heard, test.labels, known, lambda label: fill_prompt(prompt, label)
    )
    return figures | retrieval_figures(embedder.embed_texts, heard), heard


def zero_shot_figures(
    read: Read,
    heard: Heard,
    labels: Sequence[str],
    known: set[str],
    prompt_of: Callable[[str], str | Sequence[str]],
) -> dict[str, float]:
    """Accuracies of naming single-label clips by their prompts, each with its chance beside it.

    The candidates are those of `labels` that any clip has. `zero_shot` counts all clips;
    `zero_shot_unseen` those whose label is not among `known`, the labels of training: they must be
    told from each other and from all known ones. Of several prompts a label the mean of their unit
    vectors counts.
    """
    single = [i for i, clip in enumerate(heard.clips) if len(clip.labels) == 1]
    present = {heard.clips[i].labels[0] for i in single}
    candidates = [label for label in labels if label in present]
    if len(candidates) < 2:
        return {}
    said = [prompt_of(label) for label in candidates]
    prompts = [[each] if isinstance(each, str) else each for each in said]
    scores = heard.embeddings @ ensemble(read, prompts).T
    unseen = [i for i in single if heard.clips[i].labels[0] not in known]
    groups = {"zero_shot": single}
    if 0 < len(unseen) < len(single):
        groups["zero_shot_unseen"] = unseen
    figures = {}
    for name, rows in groups.items():
        target = [candidates.index(heard.clips[i].labels[0]) for i in rows]
        figures[name] = accuracy(scores[rows], target)
    return figures | {"zero_shot_chance": 1 / len(candidates)}


def retrieval_figures(read: Read, heard: Heard) -> dict[str, float]:
    """Retrieval in both directions over all captions of the clips that have any."""
    described = [i for i, clip in enumerate(heard.clips) if clip.captions]
    if len(described) < 2:
        return {}
    captions = [caption for i in described for caption in heard.clips[i].captions]
    owner = [row for row, i in enumerate(described) for _ in heard.clips[i].captions]
    similarity = read(captions) @ heard.embeddings[described].T  # [captions, clips]
    to_audio = text_to_audio(similarity, owner).values
    to_text = audio_to_text(similarity, owner).values
    return {
        "t2a_r1": to_audio["R@1"],
        "t2a_r10": to_audio["R@10"],
        "t2a_map10": to_audio["mAP@10"],
        "a2t_r1": to_text["R@1"],
        "a2t_map10": to_text["mAP@10"],
        "r1_chance": 1 / len(described),
    }
