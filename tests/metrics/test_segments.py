from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.segments import segment_accuracy, segment_ranks, word_accuracy


def test_ranks_count_whoever_scores_as_high() -> None:
    scores = np.array([[3.0, 1, 2], [1, 1, 0], [0, 5, 4]])
    assert segment_ranks(scores, [0, 1, 2]).tolist() == [1, 2, 2]


def test_accuracy_and_chance_by_hand() -> None:
    scores = -np.abs(np.arange(40)[:, None] - np.arange(40)[None] - 2.5)  # two others come first
    figures = segment_accuracy(scores, np.arange(40))
    rank = segment_ranks(scores, np.arange(40))
    assert figures["top1"] == (rank <= 1).mean() == 1 / 40 * sum(rank == 1)
    assert figures["top5"] == (rank <= 5).mean()
    assert figures["chance_top1"] == 1 / 40
    assert figures["chance_top10"] == 10 / 40
    assert segment_accuracy(np.eye(4), np.arange(4))["chance_top10"] == 1.0


def test_a_collapsed_model_finds_nothing() -> None:
    figures = segment_accuracy(np.zeros((20, 20)), np.arange(20))
    assert figures["top1"] == figures["top10"] == 0.0


def test_words_gather_the_probability_of_their_segments() -> None:
    """ "b" has two middling segments that together beat the best single one."""
    scores = np.log(np.array([[0.4, 0.3, 0.3]]))
    words = ["a", "b", "b"]
    assert word_accuracy(scores, [1], words)["word_top1"] == 1.0
    assert word_accuracy(scores, [0], words)["word_top1"] == 0.0
    assert word_accuracy(scores, [0], words)["chance_word_top1"] == 0.5
    assert segment_accuracy(scores, [1])["top1"] == 0.0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(EarShotError, match="2 words for 3 candidates"):
        word_accuracy(np.zeros((1, 3)), [0], ["a", "b"])
    with pytest.raises(EarShotError, match="own"):
        segment_accuracy(np.zeros((1, 3)), [3])
