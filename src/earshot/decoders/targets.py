"""What is known of captions word by word: losses, scores, and where a written one ends."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import Candidate, ranked
from earshot.text.caption_tokenizer import CaptionTokenizer

NO_TARGET = -100


def mean_nats(logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Mean cross-entropy of logits [batch, tokens, vocabulary] over targets [batch, tokens].

    Targets that are NO_TARGET do not count.
    """
    return F.cross_entropy(
        logits.flatten(0, 1),
        targets.flatten(),
        ignore_index=NO_TARGET,
        label_smoothing=label_smoothing,
    )


def mean_log_probability(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean log-probability of each row's targets, [batch]; arguments as `mean_nats` has them."""
    known = targets != NO_TARGET
    picked = logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return picked.masked_fill(~known, 0.0).sum(1) / known.sum(1)


def until_end(ids: list[int], eos_id: int) -> list[int]:
    """Ids up to the first end, that included."""
    return ids[: ids.index(eos_id) + 1] if eos_id in ids else ids


def candidates_of(
    written: Sequence[Sequence[int]], scores: Tensor, words: CaptionTokenizer, n: int
) -> list[list[Candidate]]:
    """Ids and their scores, `n` rows a sound, as candidates; the surest first."""
    found = [
        Candidate(words.decode(row), score)
        for row, score in zip(written, scores.tolist(), strict=True)
    ]
    return [ranked(found[i : i + n]) for i in range(0, len(found), n)]


def words_of(tokenizer: CaptionTokenizer | None) -> CaptionTokenizer:
    """The tokenizer of a decoder; refused where none was set."""
    if tokenizer is None:
        raise EarShotError(
            got="a decoder without a tokenizer",
            expected="one that its captions are written with",
            mend="Set decoder.tokenizer, or load the run with earshot caption.",
        )
    return tokenizer
