"""Candidates and references of the clips of a set, as they were written and as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earshot.core.errors import EarShotError
from earshot.metrics.caption_parts import Tokenizer, Words

_MEND = "Pass one candidate and a list of references a clip."


@dataclass(frozen=True, eq=False)
class Corpus:
    """One candidate and one reference or more a clip, on one line each."""

    raw: list[str]
    raw_references: list[list[str]]
    words: list[Words]
    references: list[list[Words]]

    @property
    def tokenised(self) -> list[str]:
        """The candidates' words with spaces between them."""
        return [" ".join(words) for words in self.words]

    @property
    def tokenised_references(self) -> list[list[str]]:
        """The references' words with spaces between them."""
        return [[" ".join(words) for words in clip] for clip in self.references]


def read_corpus(
    candidates: Sequence[str], references: Sequence[Sequence[str]], tokenizer: Tokenizer
) -> Corpus:
    """The corpus; references without a word are left out, candidates without one stay.

    Raises EarShotError for other numbers of both, and for a clip without references.
    """
    _check(candidates, references)
    raw = [_one_line(each) for each in candidates]
    raw_references = [[_one_line(each) for each in clip if each.strip()] for clip in references]
    flat = [each for clip in raw_references for each in clip]
    words = tokenizer([*raw, *flat])
    rest = iter(words[len(raw) :])
    by_clip = [[next(rest) for _ in clip] for clip in raw_references]
    for i, clip in enumerate(by_clip):
        if not any(clip):
            raise EarShotError(
                got=f"clip {i} (counted from 0), which has no reference with a word in it",
                expected="one reference or more a clip",
                mend="Write its references, or leave the clip out.",
            )
    return Corpus(raw, raw_references, words[: len(raw)], by_clip)


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if isinstance(candidates, str) or isinstance(references, str):
        got, expected = "one text", "a list of candidates and a list of lists of references"
    elif len(candidates) != len(references) or not len(candidates):
        got = f"{len(candidates)} candidates and the references of {len(references)} clips"
        expected = "as many of both, at least one"
    elif bare := [i for i, each in enumerate(references) if isinstance(each, str)]:
        got = f"a text in the place of the references of clip {bare[0]} (counted from 0)"
        expected = "a list of texts"
    else:
        return
    raise EarShotError(got=got, expected=expected, mend=_MEND)


def _one_line(text: str) -> str:
    return " ".join(text.split())
