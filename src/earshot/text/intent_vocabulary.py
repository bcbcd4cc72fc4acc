"""An intent and its words as one row of ids: the intent first, by an id of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from earshot.core.errors import EarShotError, unknown_name
from earshot.text.tokenizer import pad_rows
from earshot.text.vocabulary import EOS, PAD, Kind, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Understood:
    """What was heard: an intent, None where the model wrote none, and the words."""

    intent: str | None
    transcript: str


class IntentVocabulary:
    """Ids of what is written, then one id for each intent. A row: intent, words, EOS.

    The intents of all tasks have their ids from the start; those of later tasks wait unused.
    """

    def __init__(self, intents: Sequence[str], words: Vocabulary) -> None:
        if not intents or len(set(intents)) != len(intents):
            raise EarShotError(
                got=f"{len(intents)} intents, {len(set(intents))} of them different",
                expected="at least one, each once",
                mend="Give every intent a name of its own.",
            )
        self.intents, self.words = tuple(intents), words
        self._id_of = {name: i for i, name in enumerate(intents, start=len(words))}

    @classmethod
    def learn(
        cls, intents: Sequence[str], transcripts: Iterable[str], kind: Kind, *, size: int
    ) -> IntentVocabulary:
        """At most `size` ids in all, those of the intents included."""
        return cls(intents, Vocabulary.learn(transcripts, kind, size=size - len(intents)))

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> IntentVocabulary:
        """The vocabulary whose `to_dict` this is."""
        try:
            return cls(facts["intents"], Vocabulary.from_dict(facts["words"]))
        except (KeyError, TypeError) as fault:
            raise EarShotError(
                got=f"a vocabulary of intents without {fault}",
                expected="intents and words",
                mend="Pass what IntentVocabulary.to_dict gave.",
            ) from fault

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for a checkpoint."""
        return {"intents": list(self.intents), "words": self.words.to_dict()}

    def __len__(self) -> int:
        return len(self.words) + len(self.intents)

    def intent_id(self, intent: str) -> int:
        """The id of an intent. Raises EarShotError for one that is not among them."""
        if intent not in self._id_of:
            raise unknown_name("intent", intent, self.intents)
        return self._id_of[intent]

    def rows(self, intents: Sequence[str], transcripts: Sequence[str]) -> Tensor:
        """Tokens [batch, tokens] int64: intent, words, EOS, then PAD."""
        rows = [
            [self.intent_id(intent), *self.words.encode(transcript), EOS]
            for intent, transcript in zip(intents, transcripts, strict=True)
        ]
        tokens, _ = pad_rows(rows, PAD)
        return tokens

    def read(self, ids: Iterable[int]) -> Understood:
        """What a written row says; an intent counts at its head alone."""
        row = [int(each) for each in ids]
        n_words = len(self.words)
        intent = self.intents[row[0] - n_words] if row and n_words <= row[0] < len(self) else None
        return Understood(intent, self.words.decode(each for each in row if each < n_words))
