"""Tokenizers of our own: bytes, hashed words, and a byte-level BPE trained on captions."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.text.clean import clean

if TYPE_CHECKING:
    from torch import Tensor

PAD, START = 0, 1  # every row begins with START, so that even an empty text has a token


class Tokenizer(Protocol):
    """Texts to tokens [batch, tokens] int64 and padding [batch, tokens], True where padded."""

    vocab_size: int

    @property
    def facts(self) -> dict[str, str | int]: ...  # noqa: D102  # what its ids depend on

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]: ...  # noqa: D102


def pad_rows(rows: Sequence[Sequence[int]], pad: int = PAD) -> tuple[Tensor, Tensor]:
    """Rows of ids as tokens and padding, as wide as the longest row."""
    import torch

    width = max((len(row) for row in rows), default=0)
    tokens = torch.full((len(rows), width), pad, dtype=torch.int64)
    padding = torch.ones((len(rows), width), dtype=torch.bool)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
        padding[i, : len(row)] = False
    return tokens, padding


class ByteTokenizer:
    """UTF-8 bytes: any script, no vocabulary, long rows."""

    vocab_size = 258

    def __init__(self, max_tokens: int = 256):
        self.max_tokens = max_tokens

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ids depend on, for fingerprints."""
        return {"kind": "bytes", "max_tokens": self.max_tokens}

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens] and padding, cut to max_tokens."""
        kept = self.max_tokens - 1
        return pad_rows([[START, *(b + 2 for b in clean(t).encode()[:kept])] for t in texts])


class WordTokenizer:
    """Lower-case words hashed to ids: no vocabulary to train or to ship.

    Two words share an id with probability of about 1 / vocab_size.
    """

    _words = re.compile(r"\w+|[^\w\s]")

    def __init__(self, vocab_size: int = 4_096, max_tokens: int = 64):
        self.vocab_size, self.max_tokens = vocab_size, max_tokens

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ids depend on, for fingerprints."""
        return {"kind": "words", "vocab": self.vocab_size, "max_tokens": self.max_tokens}

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens] and padding, cut to max_tokens."""
        return pad_rows([[START, *self._ids(text)][: self.max_tokens] for text in texts])

    def _ids(self, text: str) -> list[int]:
        words = self._words.findall(clean(text).lower())[: self.max_tokens]
        return [2 + zlib.crc32(word.encode()) % (self.vocab_size - 2) for word in words]


class BpeTokenizer:
    """Byte-level BPE over the `tokenizers` library: any script, short rows for what it was taught.

    Train it on captions, save it as the library's own JSON, load it again.
    """

    def __init__(self, library_tokenizer: Any, max_tokens: int = 77):
        self._tokenizer, self.max_tokens = library_tokenizer, max_tokens
        self.vocab_size: int = library_tokenizer.get_vocab_size()

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int = 4_096, max_tokens: int = 77
    ) -> BpeTokenizer:
        """A tokenizer of at most vocab_size merges and bytes, taught by `texts` in lower case."""
        from tokenizers import Tokenizer as Library
        from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

        tokenizer = Library(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=["<pad>", "<start>"],  # PAD and START
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator((clean(text) for text in texts), trainer)
        return cls(tokenizer, max_tokens)

    @classmethod
    def load(cls, path: Path, max_tokens: int = 77) -> BpeTokenizer:
        """The tokenizer that `save` wrote."""
        from tokenizers import Tokenizer as Library

        try:
            return cls(Library.from_str(path.read_text("utf-8")), max_tokens)
        except Exception as fault:  # the library raises bare Exception for broken JSON
            raise EarShotError(
                got=f"{path}: {fault}",
                expected="a tokenizer.json of the tokenizers library",
                mend="Pass the file that BpeTokenizer.save wrote.",
            ) from fault

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ids depend on, for fingerprints."""
        digest = hashlib.sha256(self._tokenizer.to_str().encode()).hexdigest()
        return {"kind": "bpe", "json": digest, "max_tokens": self.max_tokens}

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, self._tokenizer.to_str())

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens] and padding, cut to max_tokens."""
        rows = self._tokenizer.encode_batch([clean(text) for text in texts])
        return pad_rows([[START, *row.ids][: self.max_tokens] for row in rows])
