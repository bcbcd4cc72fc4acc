from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.objectives.blended import BlendedContrast
from earshot.objectives.cwcl import CWCL
from earshot.objectives.hard_negatives import HardNegatives
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.soft_positives import CosineWeights

SCALE = torch.tensor(7.0)
NONE = (torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64))


def rows(n: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(n, 8, generator=torch.Generator().manual_seed(seed)))


AUDIO, TEXT, FALSE = rows(6, 0), rows(6, 1), rows(5, 2)
OWNER = torch.tensor([0, 0, 3, 5, 3])


def test_with_neither_it_is_infonce() -> None:
    found = BlendedContrast()(AUDIO, TEXT, *NONE, SCALE)
    assert torch.allclose(found, InfoNCE()(AUDIO, TEXT, SCALE))


def test_without_weights_it_is_hard_negatives() -> None:
    found = BlendedContrast()(AUDIO, TEXT, FALSE, OWNER, SCALE)
    assert torch.allclose(found, HardNegatives()(AUDIO, TEXT, FALSE, OWNER, SCALE))


def test_without_negatives_it_is_the_mean_of_cwcl() -> None:
    weigh = CosineWeights(4.0)
    found = BlendedContrast()(AUDIO, TEXT, *NONE, SCALE, weights=weigh(TEXT))
    assert torch.allclose(found, CWCL(weigh, reduce="mean")(AUDIO, TEXT, SCALE))


def test_both_at_once_by_a_double_loop() -> None:
    weights = CosineWeights(2.0)(TEXT)
    found = float(BlendedContrast()(AUDIO, TEXT, FALSE, OWNER, SCALE, weights=weights))
    total = 0.0
    for i in range(6):
        mine = [float(SCALE * AUDIO[i] @ FALSE[k]) for k in range(5) if int(OWNER[k]) == i]
        logits = [float(SCALE * AUDIO[i] @ TEXT[j]) for j in range(6)]
        whole = math.log(sum(map(math.exp, [*logits, *mine])))
        mass = float(weights[i].sum())
        total -= sum(float(weights[i, j]) / mass * (logits[j] - whole) for j in range(6))
        back = [float(SCALE * TEXT[i] @ AUDIO[j]) for j in range(6)]
        total -= back[i] - math.log(sum(map(math.exp, back)))
    assert found == pytest.approx(total / 12, abs=1e-5)


def test_a_gradient_reaches_rows_and_not_weights() -> None:
    audio, weights = AUDIO.clone().requires_grad_(), CosineWeights()(TEXT).requires_grad_()
    BlendedContrast()(audio, TEXT, FALSE, OWNER, SCALE, weights=weights).backward()
    assert audio.grad is not None
    assert bool(torch.isfinite(audio.grad).all())
    assert weights.grad is None


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(EarShotError, match="weights"):
        BlendedContrast()(AUDIO, TEXT, FALSE, OWNER, SCALE, weights=torch.ones(5, 6))
