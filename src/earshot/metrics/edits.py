"""How far written sequences are from their references: insertions, deletions, substitutions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from earshot.core.errors import EarShotError


def edit_distance(written: Sequence[Hashable], reference: Sequence[Hashable]) -> int:
    """The least number of insertions, deletions and substitutions between two sequences."""
    row = list(range(len(reference) + 1))
    for i, one in enumerate(written, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(reference, start=1):
            best = min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
            diagonal, row[j] = row[j], best
    return row[-1]


def error_rate(
    written: Sequence[Sequence[Hashable]], references: Sequence[Sequence[Hashable]]
) -> float:
    """Edits over all pairs by the number of tokens of all references; it can pass 1.

    Of lists of words it is the word error rate, of strings the character error rate.
    """
    if len(written) != len(references) or not any(references):
        raise EarShotError(
            got=f"{len(written)} texts and {len(references)} references",
            expected="as many of both, and a token among the references",
            mend="Pass one reference per text.",
        )
    n_edits = sum(edit_distance(*pair) for pair in zip(written, references, strict=True))
    return n_edits / sum(map(len, references))
