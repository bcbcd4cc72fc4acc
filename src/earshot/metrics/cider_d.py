"""CIDEr-D: agreement with the references in what is rare among all clips' references."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from earshot.core.errors import EarShotError
from earshot.metrics.bleu import N_GRAMS, n_grams

SIGMA = 6.0  # of the penalty for another length
Vector = dict[tuple[str, ...], float]


class CiderD:
    """Scores candidates; how rare words are is counted once, over the references of a whole set.

    As the reward of a training, give it the training references: they stay as they are.
    Source: arXiv:1411.5726, Sec. 3 and App. A, as the COCO caption tools compute it.
    """

    def __init__(self, references: Sequence[Sequence[Sequence[str]]]) -> None:
        """references [clips][sentences][words]: two clips or more, or nothing is rare."""
        if len(references) < 2:
            raise EarShotError(
                got=f"the references of {len(references)} clip{'s' * (len(references) != 1)}",
                expected="two clips or more: CIDEr-D weighs words by how few clips have them",
                mend="Score all clips of a split together.",
            )
        self._log_clips = math.log(len(references))
        self._n_clips_with: Counter[tuple[str, ...]] = Counter()
        for clip in references:
            self._n_clips_with.update({gram for each in clip for gram in _all_n_grams(each)})

    def score(self, candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
        """0 to 10, of one clip: the mean over n-grams of 1 to 4 words and over its references."""
        mine, my_lengths = self._vectors(candidate)
        total = 0.0
        for reference in references:
            theirs, their_lengths = self._vectors(reference)
            # The tools count pairs of words where they mean words: differs for a lone word only.
            apart = max(0, len(candidate) - 1) - max(0, len(reference) - 1)
            penalty = math.exp(-(apart**2) / (2 * SIGMA**2))
            for n in range(N_GRAMS):
                if my_lengths[n] and their_lengths[n]:
                    dot = sum(
                        min(weight, theirs[n][gram]) * theirs[n][gram]
                        for gram, weight in mine[n].items()
                        if gram in theirs[n]
                    )
                    total += penalty * dot / (my_lengths[n] * their_lengths[n])
        return 10.0 * total / N_GRAMS / len(references)

    def _vectors(self, words: Sequence[str]) -> tuple[list[Vector], list[float]]:
        """Weights of the n-grams of each length, and the lengths of these vectors."""
        vectors = [
            {
                gram: n * (self._log_clips - math.log(max(1, self._n_clips_with[gram])))
                for gram, n in n_grams(words, size).items()
            }
            for size in range(1, N_GRAMS + 1)
        ]
        return vectors, [math.sqrt(sum(w * w for w in each.values())) for each in vectors]


def _all_n_grams(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [gram for size in range(1, N_GRAMS + 1) for gram in n_grams(words, size)]
