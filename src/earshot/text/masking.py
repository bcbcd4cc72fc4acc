"""What stands for a hidden word in each tokenizer."""

from __future__ import annotations

from typing import NamedTuple

from earshot.text.deferred import DeferredTokenizer
from earshot.text.pretrained import PretrainedTokenizer
from earshot.text.tokenizer import PAD, START, Tokenizer

BLOCK = "\N{FULL BLOCK}"  # no caption has it: its own piece in tokenizers that know no mask


class MaskIds(NamedTuple):
    """The id that hides a token, and those that are never hidden."""

    mask: int
    kept: tuple[int, ...]


def mask_ids(tokenizer: Tokenizer) -> MaskIds:
    """A published tokenizer's own mask and special ids; for ours the id of a full block."""
    if isinstance(tokenizer, DeferredTokenizer):
        tokenizer = tokenizer.loaded()
    if isinstance(tokenizer, PretrainedTokenizer) and tokenizer.mask_id is not None:
        return MaskIds(tokenizer.mask_id, tokenizer.special_ids)
    tokens, _ = tokenizer([BLOCK])
    start = int(tokens[0, 0])
    return MaskIds(int(tokens[0, min(1, tokens.shape[1] - 1)]), (PAD, START, start))
