"""What caption metrics are computed with besides words: programs and models, or why they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earshot.metrics.ptb_tokens import PTB_PYTHON, ptb_sentences

Words = list[str]


@dataclass(frozen=True)
class Absent:
    """A part that is not at hand: the reason names the file and where to put it."""

    reason: str


class UnavailableError(Exception):
    """A part that was at hand could not do its work; the message says why, in one sentence."""


class Tokenizer(Protocol):
    """Sentences to words; `name` is what results call it."""

    name: str

    def __call__(self, sentences: Sequence[str]) -> list[Words]:
        """The words of each sentence."""
        ...


class SentencesMetric(Protocol):
    """A metric of a whole corpus of tokenised sentences, such as METEOR or SPICE."""

    def __call__(
        self, candidates: Sequence[str], references: Sequence[Sequence[str]]
    ) -> tuple[float, NDArray[np.float64]]:
        """The corpus' value, and each clip's. Raises UnavailableError when it cannot go on."""
        ...


class SentenceEncoder(Protocol):
    """Sentences to unit vectors; `name` is the model's."""

    name: str
    published: bool  # True for the encoder that published figures used

    def __call__(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """[sentences, dim], rows of length 1."""
        ...


class FluencyJudge(Protocol):
    """Tells sentences that are no good English."""

    def __call__(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """[sentences], the probability that there is an error in it."""
        ...


class PythonTokenizer:
    """EarShot's own words: `ptb_tokens`."""

    name = PTB_PYTHON

    def __call__(self, sentences: Sequence[str]) -> list[Words]:
        """The words of each sentence."""
        return ptb_sentences(sentences)


@dataclass(frozen=True)
class CaptionParts:
    """Parts that are at hand; `caption_files.java_parts` and `jobs` look for the others."""

    tokenizer: Tokenizer = field(default_factory=PythonTokenizer)
    meteor: SentencesMetric | Absent = Absent("METEOR was not looked for")
    spice: SentencesMetric | Absent = Absent("SPICE was not looked for")
    encoder: SentenceEncoder | Absent = Absent("no sentence encoder was handed in")
    fluency: FluencyJudge | Absent = Absent("no detector of fluency errors was handed in")
