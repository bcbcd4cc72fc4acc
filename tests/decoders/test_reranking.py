from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import Candidate
from earshot.decoders.reranking import best_of, clap_refine, cosines, hybrid

SOUND = torch.tensor([1.0, 0.0])
TEXTS = torch.tensor([[0.0, 2.0], [3.0, 0.0], [1.0, 1.0]])
CANDIDATES = [Candidate("a", -0.1), Candidate("b", -5.0), Candidate("c", -1.0)]


def test_the_closest_text_is_taken() -> None:
    assert cosines(SOUND, TEXTS).tolist() == pytest.approx([0, 1, 0.5**0.5])
    assert clap_refine(CANDIDATES, 7 * SOUND, TEXTS) == 1


def test_hybrid_weighs_both() -> None:
    scores = hybrid(CANDIDATES, SOUND, TEXTS)
    assert scores == pytest.approx([-0.03, -1.5 + 0.7, -0.3 + 0.7 * 0.5**0.5])
    assert best_of(CANDIDATES, scores) == 2
    only_decoder = hybrid(CANDIDATES, SOUND, TEXTS, decoder_weight=1, encoder_weight=0)
    assert best_of(CANDIDATES, only_decoder) == 0


def test_ties_go_to_the_first_and_empty_texts_to_the_last() -> None:
    same = torch.ones(3, 2)
    assert clap_refine(CANDIDATES, SOUND, same) == 0
    with_empty = [Candidate(" ", 0.0), Candidate("b", -1.0)]
    assert clap_refine(with_empty, SOUND, torch.tensor([[1.0, 0.0], [0.0, 1.0]])) == 1
    assert best_of([Candidate("", -1.0), Candidate("", 0.0)], [0.0, 1.0]) == 1
    assert clap_refine(CANDIDATES, torch.zeros(2), TEXTS) == 0


def test_the_first_that_is_accepted_else_the_best() -> None:
    scores = [1.0, 2.0, 3.0]
    assert best_of(CANDIDATES, scores, accept=lambda text: text != "c") == 1
    assert best_of(CANDIDATES, scores, accept=lambda text: False) == 2


def test_faults_are_sentences() -> None:
    with pytest.raises(EarShotError, match="no candidates"):
        best_of([], [])
    with pytest.raises(EarShotError, match="1 scores for 3"):
        best_of(CANDIDATES, [1.0])
    with pytest.raises(EarShotError, match="2 scores for 3"):
        hybrid(CANDIDATES, SOUND, TEXTS[:2])
