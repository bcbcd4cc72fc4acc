"""Texts to ids and back, for models that write: characters, words, or byte-level pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from earshot.core.errors import EarShotError
from earshot.text.clean import clean
from earshot.text.tokenizer import pad_rows

if TYPE_CHECKING:
    from torch import Tensor

# the first four ids, as fairseq's dictionaries and transformers' Speech2Text have them
BOS, PAD, EOS, UNKNOWN = range(4)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
Kind = Literal["characters", "words", "pieces"]


class Vocabulary:
    """What a model can read or write, with an id for each; a CTC head takes BOS as its blank.

    `characters` and `words` hold a list of symbols; what is not among them becomes UNKNOWN.
    `pieces` hold a byte-level BPE of the `tokenizers` library, which knows any text.
    """

    def __init__(
        self, kind: Kind, symbols: Sequence[str] = (), *, pieces: str | None = None
    ) -> None:
        self.kind, self.symbols = kind, tuple(symbols)
        self._id_of = {symbol: i for i, symbol in enumerate(symbols, start=len(SPECIAL))}
        self._pieces = None if pieces is None else _library(pieces)
        if (kind == "pieces") != (self._pieces is not None):
            raise EarShotError(
                got=f"a vocabulary of {kind} {'without' if kind == 'pieces' else 'with'} pieces",
                expected="the JSON of the tokenizers library for pieces, and for them alone",
                mend="Make it with Vocabulary.learn.",
            )

    @classmethod
    def learn(cls, texts: Iterable[str], kind: Kind, *, size: int = 10_000) -> Vocabulary:
        """At most `size` ids, the four special ones included: the most frequent symbols of `texts`.

        Pieces need room for the 256 bytes.
        """
        cleaned = [clean(text) for text in texts]
        if kind == "pieces":
            return cls(kind, pieces=_learn_pieces(cleaned, size))
        counts = Counter(symbol for text in cleaned for symbol in _split(text, kind))
        if not counts:
            raise EarShotError(
                got=f"{len(cleaned)} texts without a symbol",
                expected="texts to learn a vocabulary from",
                mend="Check that the clips have captions and transcripts.",
            )
        by_count = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        return cls(kind, by_count[: size - len(SPECIAL)])

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary whose `to_dict` this is."""
        try:
            return cls(facts["kind"], facts["symbols"], pieces=facts["pieces"])
        except (KeyError, TypeError) as fault:
            raise EarShotError(
                got=f"a vocabulary without {fault}",
                expected="kind, symbols and pieces",
                mend="Pass what Vocabulary.to_dict gave.",
            ) from fault

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for a checkpoint."""
        pieces = None if self._pieces is None else self._pieces.to_str()
        return {"kind": self.kind, "symbols": list(self.symbols), "pieces": pieces}

    def __len__(self) -> int:
        if self._pieces is not None:
            return int(self._pieces.get_vocab_size())
        return len(SPECIAL) + len(self.symbols)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without BOS and EOS."""
        if self._pieces is not None:
            return list(self._pieces.encode(clean(text)).ids)
        return [self._id_of.get(symbol, UNKNOWN) for symbol in _split(clean(text), self.kind)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids up to the first EOS; BOS, PAD and UNKNOWN leave no trace."""
        kept: list[int] = []
        for each in ids:
            if each == EOS:
                break
            if each > UNKNOWN:
                kept.append(int(each))
        if self._pieces is not None:
            return str(self._pieces.decode(kept)).strip()
        known = [self.symbols[i - len(SPECIAL)] for i in kept if i < len(self)]
        return ("" if self.kind == "characters" else " ").join(known)

    def rows(self, texts: Sequence[str], *, end: bool = True) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens], EOS last unless `end` is False, then PAD; and the real lengths.

        The lengths [batch] count EOS.
        """
        import torch

        last = [EOS] if end else []
        rows = [[*self.encode(text), *last] for text in texts]
        tokens, _ = pad_rows(rows, PAD)
        return tokens, torch.tensor([len(row) for row in rows], dtype=torch.int64)


def _split(text: str, kind: Kind) -> list[str]:
    return list(text) if kind == "characters" else text.split()


def _learn_pieces(texts: Sequence[str], size: int) -> str:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    if size < len(SPECIAL) + 256:
        raise EarShotError(
            got=f"pieces of size {size}",
            expected=f"at least {len(SPECIAL) + 256}, room for every byte",
            mend="Raise the size, or take characters.",
        )
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(texts, trainer)
    return str(library.to_str())


def _library(pieces: str) -> Any:
    from tokenizers import Tokenizer as Library

    try:
        return Library.from_str(pieces)
    except Exception as fault:  # the library raises bare Exception for broken JSON
        raise EarShotError(
            got=f"pieces that the tokenizers library cannot read ({fault})",
            expected="its own JSON",
            mend="Pass what Vocabulary.to_dict gave.",
        ) from fault
