"""Connectionist temporal classification: sum over all alignments, and the greedy reading."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.shapes import check_shape

BLANK = 0  # the id of BOS in a Vocabulary, which no transcript holds


def ctc_loss(logits: Tensor, n_positions: Tensor, tokens: Tensor, n_tokens: Tensor) -> Tensor:
    """Nats of each clip's transcript, summed over its tokens: [batch], float32.

    logits [batch, positions, classes] with class 0 the blank, n_positions [batch] real ones; tokens
    [batch, tokens] with n_tokens [batch] real ones, no blank among them. A clip with too few
    positions for its tokens (one for each, one more between equal neighbours) counts 0, and so does
    its gradient. Source: Graves et al., ICML 2006; torch's `ctc_loss`, zero_infinity.
    """
    check_shape(
        "logits", logits, (len(tokens), "positions", "classes"), mend="Give one row for each clip."
    )
    log_probs = logits.float().log_softmax(-1).transpose(0, 1)  # [positions, batch, classes]
    return F.ctc_loss(
        log_probs,
        tokens,
        n_positions.to(tokens.device),
        n_tokens,
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )


def ctc_greedy(logits: Tensor, n_positions: Tensor) -> list[list[int]]:
    """The likeliest class of every real position, repeats joined, blanks dropped; one list a clip.

    logits [batch, positions, classes], n_positions [batch].
    """
    best = logits.argmax(-1)  # [batch, positions]
    read = []
    for row, n_real in zip(best.cpu(), n_positions.tolist(), strict=True):
        joined = torch.unique_consecutive(row[:n_real]).tolist()
        read.append([each for each in joined if each != BLANK])
    return read
