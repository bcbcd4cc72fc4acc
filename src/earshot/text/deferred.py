"""A published tokenizer that is read when the first text comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.text.pretrained import PretrainedTokenizer, load_tokenizer

if TYPE_CHECKING:
    from torch import Tensor


class DeferredTokenizer:
    """So that a model with a published text tower can be built, counted and loaded without files.

    `source` is a folder or a hub name; the network is touched through its gate only. `files`, set
    by whoever finds the same tokenizer's files beside the weights, is read instead.
    """

    def __init__(self, source: str, *, vocab_size: int, **options: Any):
        self.source, self.vocab_size, self.options = source, vocab_size, options
        self.files: Path | None = None
        self._tokenizer: PretrainedTokenizer | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What a fingerprint should know."""
        return {"source": self.source, **self.options}

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens] and padding; the first call reads the tokenizer's files."""
        return self.loaded()(texts)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into `folder`."""
        self.loaded().save(folder)

    def loaded(self) -> PretrainedTokenizer:
        """The tokenizer itself, its files read now if they were not yet."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self.files or self.source, **self.options)
        return self._tokenizer
