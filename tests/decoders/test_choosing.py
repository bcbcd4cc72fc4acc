from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.decoders.choosing import CaptionPlan, best_first, distinct, rerank_scores
from earshot.decoders.decoding import Candidate, DecodingConfig

THREE = [Candidate("a", -0.5), Candidate("", -0.1), Candidate("b", -1.0)]


def test_searches_of_a_plan() -> None:
    assert CaptionPlan.of(n_beams=3).decodings == (DecodingConfig("beam", n_beams=3),)
    widths = CaptionPlan.of(n_beams=8, rerank="clap").decodings
    assert [each.n_beams for each in widths] == list(range(2, 9))
    assert CaptionPlan.of(n_beams=1, rerank="clap").decodings[0].kind == "greedy"
    (drawn,) = CaptionPlan.of(n_samples=20, temperature=0.5, rerank="hybrid").decodings
    assert (drawn.kind, drawn.n_samples, drawn.temperature) == ("nucleus", 20, 0.5)
    judges = {way: CaptionPlan(rerank=way).judge for way in ("likelihood", "hybrid", "clap")}
    assert judges == {"likelihood": None, "hybrid": "encoder", "clap": "clap"}
    with pytest.raises(EarShotError, match="Correct the plan"):
        CaptionPlan(())


def test_a_text_stands_once_with_its_greatest_score() -> None:
    found = distinct([[Candidate("a", -2.0), Candidate("b", -1.0)], [Candidate("a", -0.5)]])
    assert found == [Candidate("a", -0.5), Candidate("b", -1.0)]


def test_the_best_by_each_way() -> None:
    cosines = torch.tensor([0.1, 0.9, 0.5])
    firsts = {
        way: best_first(THREE, rerank_scores(THREE, way, cosines))[0].text
        for way in ("likelihood", "encoder", "clap", "hybrid")
    }  # what says nothing comes last; 0.3 * -0.5 + 0.7 * 0.1 < 0.3 * -1 + 0.7 * 0.5
    assert firsts == {"likelihood": "a", "encoder": "b", "clap": "b", "hybrid": "b"}
    order = best_first(THREE, [3.0, 2.0, 1.0], accept=lambda text: text == "b")
    assert [each.text for each in order] == ["b", "a", ""]
    assert best_first(THREE, [3.0, 2.0, 1.0], accept=lambda text: False)[0].text == "a"
    with pytest.raises(EarShotError, match="without cosines"):
        rerank_scores(THREE, "clap", None)
