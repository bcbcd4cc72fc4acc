from __future__ import annotations

from typing import Any

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import Candidate, DecodingConfig, draws, ranked


def test_draws_follow_the_probabilities_within_the_nucleus() -> None:
    n = 4_000
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05])).repeat(n, 1)
    processors = draws(DecodingConfig("nucleus", n_samples=n, top_p=0.9, seed=5))
    drawn = processors(torch.zeros(n, 0, dtype=torch.long), logits).argmax(1)
    shares = torch.bincount(drawn, minlength=4) / n
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.15, 0]) / 0.95, atol=0.03)


def test_another_seed_draws_others_and_clips_share_their_noise() -> None:
    logits = torch.zeros(2 * 5, 50)
    ids = torch.zeros(10, 0, dtype=torch.long)

    def drawn(seed: int) -> list[int]:
        return (
            draws(DecodingConfig("nucleus", n_samples=5, seed=seed))(ids, logits).argmax(1).tolist()
        )

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1)[:5] == drawn(1)[5:]
    assert not draws(DecodingConfig())


def test_the_surest_comes_first() -> None:
    given = [Candidate("b", -1.0), Candidate("c", -0.5), Candidate("a", -1.0)]
    assert [each.text for each in ranked(given)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    "wrong",
    [{"n_best": 5}, {"n_samples": 0}, {"top_p": 0.0}, {"temperature": 0.0}, {"min_tokens": 99},
     {"no_repeat_ngram": -1}],
)  # fmt: skip
def test_impossible_settings_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(EarShotError, match="Change that field"):
        DecodingConfig(**wrong)
