"""What a speech translator is worth on utterances that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from earshot.core.seed import generator
from earshot.data.utterances import Utterance, UtteranceBatch, collate_utterances
from earshot.metrics.edits import error_rate
from earshot.metrics.modality_gap import modality_gap
from earshot.metrics.translation import translation_figures
from earshot.models.speech_to_text import SpeechToText, States
from earshot.models.text_encoder import TextEncoder
from earshot.objectives.sinkhorn import (
    SinkhornConfig,
    pairwise_divergence,
    sequence_divergence,
)
from earshot.text.vocabulary import Vocabulary

AT_ONCE = 64  # utterances
COMPARED = 100  # for the gap: every one with every other
SHUFFLES = 9  # of a transcript's order, beside the right one


def writing_figures(
    model: SpeechToText,
    test: Sequence[Utterance],
    source: Vocabulary,
    target: Vocabulary,
    n_beams: int,
) -> dict[str, float]:
    """`accuracy` (1 less the token error rate), `bleu` and `chrf` of beam search."""
    written = []
    for first in range(0, len(test), AT_ONCE):
        batch = collate_utterances(test[first : first + AT_ONCE], source, target)
        written += model.write(encode(model, batch), n_beams=n_beams)
    references = [target.encode(each.target) for each in test]
    texts = [target.decode(ids) for ids in written]
    figures = translation_figures(texts, [each.target for each in test])
    return {"accuracy": 1 - error_rate(written, references)} | figures


def listening_figures(
    listener: SpeechToText,
    text: TextEncoder,
    test: Sequence[Utterance],
    source: Vocabulary,
    *,
    by_ctc: bool,
    sinkhorn: SinkhornConfig,
    seed: int,
) -> dict[str, float]:
    """What the pre-trained encoder hears, and how near its states are to those of text.

    `asr_accuracy` is 1 less the symbol error rate, by CTC or by the decoder, both greedy. `gap`,
    `closeness` (1 - gap) and `retrieval_r1` are of modality_gap over the first utterances of
    different transcripts; `order_r1` is how often the own transcript is nearer than nine others of
    the same symbols in another order.
    """
    heard: list[list[int]] = []
    for first in range(0, len(test), AT_ONCE):
        batch = collate_utterances(test[first : first + AT_ONCE], source, source)
        states = encode(listener, batch)
        heard += listener.read_ctc(states) if by_ctc else listener.write(states, n_beams=1)
    accuracy = 1 - error_rate(heard, [source.encode(each.source) for each in test])
    different = list({each.source: each for each in test}.values())[:COMPARED]
    batch = collate_utterances(different, source, source)
    speech = encode(listener, batch)
    with torch.no_grad():
        read = text(batch.source.to(speech.hidden.device), batch.n_source)
    table = pairwise_divergence(
        speech.hidden, speech.n_positions, read.hidden, read.n_positions, sinkhorn
    )
    found = modality_gap(table.cpu().numpy())
    order = _order(speech, text, batch, table.diagonal(), sinkhorn, seed)
    return {"asr_accuracy": accuracy, **found, "closeness": 1 - found["gap"], "order_r1": order}


@torch.no_grad()
def encode(model: SpeechToText, batch: UtteranceBatch) -> States:
    """States of a batch that has been heard, where the model is."""
    assert batch.frames is not None
    return model.encode(batch.frames.to(model.model.device), batch.n_frames)


@torch.no_grad()
def _order(
    speech: States,
    text: TextEncoder,
    batch: UtteranceBatch,
    own: torch.Tensor,
    sinkhorn: SinkhornConfig,
    seed: int,
) -> float:
    """How often a transcript is nearer to its speech than it is in any of nine other orders."""
    rng = generator(seed, "orders of symbols")
    best = torch.full_like(own, float("inf"))
    for _ in range(SHUFFLES):
        shuffled = batch.source.clone()
        for row, n in zip(shuffled, batch.n_source.tolist(), strict=True):
            row[:n] = row[torch.from_numpy(rng.permutation(n))]
        read = text(shuffled.to(own.device), batch.n_source)
        other = sequence_divergence(
            speech.hidden, speech.n_positions, read.hidden, read.n_positions, sinkhorn
        )
        same = (shuffled == batch.source).all(1).to(own.device)
        best = torch.minimum(best, other.masked_fill(same, float("inf")))
    return float((own < best).float().mean())
