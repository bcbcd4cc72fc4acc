from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.soft_positives import CosineWeights, own_only, tag_overlap

SETTINGS = settings(deadline=None, derandomize=True, max_examples=20)


def rows(n: int, dim: int = 6, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)))


@SETTINGS
@given(n=st.integers(1, 9), seed=st.integers(0, 99), kappa=st.floats(0.5, 20.0))
def test_cosines_become_weights(n: int, seed: int, kappa: float) -> None:
    q = rows(n, seed=seed)
    weights = CosineWeights(kappa)(q)
    for i in range(n):
        for j in range(n):
            ours = 1.0 if i == j else (float(q[i] @ q[j]) / 2 + 0.5) ** kappa
            assert float(weights[i, j]) == pytest.approx(ours, abs=1e-5)
    torch.testing.assert_close(weights, weights.T, atol=1e-5, rtol=0)
    assert weights.min() >= 0
    assert weights.max() <= 1


def test_opposite_rows_weigh_nothing_and_equal_ones_all() -> None:
    q = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert CosineWeights()(q)[0].tolist() == pytest.approx([1.0, 0.0, 1.0, 0.5])
    assert CosineWeights(2.0)(q)[0].tolist() == pytest.approx([1.0, 0.0, 1.0, 0.25])


def test_centring_spreads_weights_that_were_almost_constant() -> None:
    corpus = F.normalize(rows(200) + 4 * rows(1, seed=5))  # all within a narrow cone
    flat = CosineWeights()(corpus)
    spread = CosineWeights(prepare="centre").fit(corpus)(corpus)
    white = CosineWeights(prepare="whiten").fit(corpus)(corpus)
    assert flat.std() < 0.05
    assert spread.std() > 3 * flat.std()
    assert abs(float(spread.mean()) - 0.5) < 0.02
    assert white.std() > 3 * flat.std()


def test_whitened_rows_vary_alike_in_all_directions() -> None:
    corpus = F.normalize(rows(500) * torch.tensor([5.0, 1, 1, 1, 1, 0.5]))
    fitted = CosineWeights(prepare="whiten").fit(corpus, ridge=1e-6)
    white = (corpus - fitted.mean) @ fitted.transform
    assert torch.allclose(white.T @ white / 500, torch.eye(6), atol=1e-3)


def test_labels_and_tags() -> None:
    assert own_only(torch.zeros(3, 2)).tolist() == torch.eye(3).tolist()
    labels = F.one_hot(torch.tensor([2, 0, 2]))
    assert tag_overlap(labels).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    tags = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert tag_overlap(tags)[0].tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert tag_overlap(tags)[3].tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (lambda: CosineWeights(0.0), "1 is the paper's"),
        (lambda: CosineWeights(prepare="sphere"), "Pick one"),
        (lambda: CosineWeights(prepare="centre")(rows(3)), r"Call fit\(rows\)"),
        (lambda: tag_overlap(torch.zeros(3)), "a row of 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(call, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        call()
