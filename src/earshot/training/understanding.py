"""What a model that writes intents makes of clips: states, intents, words."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.class_incremental import label_of
from earshot.metrics.word_errors import word_error_rate
from earshot.models.speech_to_text import States
from earshot.models.spoken_intent import SpokenIntent
from earshot.text.intent_vocabulary import IntentVocabulary

ROWS = 64  # clips a batch


def listen(model: SpokenIntent, clips: ClipSet, max_s: float) -> Iterator[tuple[Batch, States]]:
    """Every clip once, cut at max_s, with its states; leaves the model in evaluation.

    A clip that cannot be read is reported in the log, and the next one counts in its place.
    """
    loader = BatchLoader(
        clips,
        batch_size=ROWS,
        sample_rate=model.sample_rate,
        max_s=max_s,
        crop="start",
        workers=0,
    )
    device = next(model.parameters()).device
    model.eval()
    for batch in loader.epoch():
        batch = batch.to(device)
        with torch.inference_mode():
            states = model.hear(batch.waveform, batch.n_samples)
        yield batch, states


@torch.inference_mode()
def intent_accuracy(
    model: SpokenIntent, vocabulary: IntentVocabulary, clips: ClipSet, max_s: float
) -> float:
    """The share of clips whose intent is the first thing that the model writes, read greedily."""
    right = 0
    for batch, states in listen(model, clips, max_s):
        said = model.first_ids(states).tolist()
        true = [vocabulary.intent_id(label_of(clip)) for clip in batch.clips]
        right += sum(one == other for one, other in zip(said, true, strict=True))
    return right / len(clips)


@torch.inference_mode()
def word_errors(
    model: SpokenIntent,
    vocabulary: IntentVocabulary,
    clips: ClipSet,
    max_s: float,
    *,
    n_beams: int = 1,
) -> float:
    """Word error rate of the transcripts that follow the intents."""
    said: list[str] = []
    true: list[str] = []
    for batch, states in listen(model, clips, max_s):
        rows = model.writer.write(states, n_beams=n_beams)
        said += [vocabulary.read(row).transcript for row in rows]
        true += batch.captions
    return word_error_rate(true, said)


@torch.inference_mode()
def pooled_features(
    model: SpokenIntent, clips: ClipSet, max_s: float
) -> tuple[torch.Tensor, list[str]]:
    """Mean-pooled encoder states [clips, dim] on the CPU, and the clips' ids in that order."""
    rows, ids = [], []
    for batch, states in listen(model, clips, max_s):
        rows.append(model.features(states).float().cpu())
        ids += [clip.id for clip in batch.clips]
    return torch.cat(rows), ids
