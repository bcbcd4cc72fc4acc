from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.retrieval import (
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_reciprocal_rank,
)

from earshot.core.errors import EarShotError
from earshot.metrics import audio_to_text, text_to_audio


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray]:
    """60 texts, 5 a clip, in no order; scores that lean towards the right clip."""
    rng = np.random.default_rng(0)
    owner = rng.permutation(np.repeat(np.arange(12), 5))
    scores = rng.normal(size=(60, 12))
    scores[np.arange(60), owner] += 1.0
    return scores - scores.min() + 1, owner  # torchmetrics takes scores <= 0 for no answer


@pytest.mark.parametrize("direction", [text_to_audio, audio_to_text])
def test_every_query_agrees_with_torchmetrics(direction, case) -> None:
    scores, owner = case
    truth = owner[:, None] == np.arange(12)
    if direction is audio_to_text:
        queries, relevant = scores.T, truth.T
    else:
        queries, relevant = scores, truth
    figures = direction(scores, owner).per_query
    for i, (row, good) in enumerate(zip(queries, relevant, strict=True)):
        preds, target = torch.tensor(row), torch.tensor(good)
        for k in (1, 5, 10):
            assert figures[f"R@{k}"][i] == retrieval_hit_rate(preds, target, top_k=k)
        ndcg = retrieval_normalized_dcg(preds, target, top_k=10)
        assert figures["nDCG@10"][i] == pytest.approx(float(ndcg), abs=1e-6)
        mrr = retrieval_reciprocal_rank(preds, target)
        assert figures["MRR"][i] == pytest.approx(float(mrr), abs=1e-6)


def test_average_precision_is_the_sum_of_order_over_rank() -> None:
    # one clip of two; its captions come at ranks 2, 3 and 12 of 14 texts
    scores = np.zeros((14, 2))
    scores[:, 0] = -np.arange(14)
    owner = np.ones(14, dtype=int)
    owner[[1, 2, 11]] = 0
    figures = audio_to_text(scores, owner).per_query
    assert figures["mAP@10"][0] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert figures["rank"][0] == 2


def test_text_to_audio_average_precision_is_one_over_the_rank() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    result = text_to_audio(scores, [0, 1, 2])
    assert result.per_query["mAP@10"] == pytest.approx([1, 1 / 2, 1 / 3])
    assert result.values["R@1"] == pytest.approx(1 / 3)
    assert result.values["median_rank"] == 2


def test_a_collapsed_model_gets_nothing() -> None:
    same = np.full((100, 20), 0.7)
    owner = np.repeat(np.arange(20), 5)
    assert text_to_audio(same, owner).values["R@10"] == 0
    assert audio_to_text(same, owner).values["R@10"] == 0


def test_copies_of_one_caption_do_not_count_against_each_other() -> None:
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
    assert audio_to_text(scores, [0, 0, 1, 1]).values["mAP@10"] == 1


def test_nan_is_refused(case) -> None:
    scores, owner = case
    scores = scores.copy()
    scores[3, 4] = np.nan
    with pytest.raises(EarShotError, match="1 value that are NaN"):
        text_to_audio(scores, owner)


def test_faults_in_the_owners_are_named(case) -> None:
    scores, owner = case
    with pytest.raises(EarShotError, match="0 to 11"):
        text_to_audio(scores, owner + 1)
    with pytest.raises(EarShotError, match="60 whole numbers"):
        text_to_audio(scores, owner[:-1])
    with pytest.raises(EarShotError, match="clip 11, which has no caption"):
        audio_to_text(scores, np.where(owner == 11, 0, owner))
