"""How many words a transcript has wrong."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.core.errors import EarShotError


def word_error_rate(references: Sequence[str], written: Sequence[str]) -> float:
    """Words put in, left out and replaced, over the words of all references; 0 is perfect.

    Words are what spaces part, as they stand. Raises EarShotError for lists of different lengths
    and for references without a word.
    """
    n_words = sum(len(reference.split()) for reference in references)
    if len(references) != len(written) or not n_words:
        raise EarShotError(
            got=f"{len(references)} references of {n_words} words and {len(written)} transcripts",
            expected="a transcript for each reference, and words to compare",
            mend="Pass one of both for each clip.",
        )
    errors = sum(
        edits(one.split(), other.split()) for one, other in zip(references, written, strict=True)
    )
    return errors / n_words


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements that turn one row into the other."""
    costs = list(range(len(other) + 1))  # to nothing of `one` yet
    for row, word in enumerate(one, start=1):
        diagonal, costs[0] = costs[0], row
        for column, against in enumerate(other, start=1):
            replaced = diagonal + (word != against)
            diagonal = costs[column]
            costs[column] = min(replaced, costs[column] + 1, costs[column - 1] + 1)
    return costs[-1]
