from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from earshot.objectives.ase import AseLoss, spread


def unit(rows: int, dim: int, seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, dim, generator=draw))


def test_it_is_the_published_formula() -> None:
    """Row by row in plain numbers: two captions of one clip are both positives."""
    audio, text, ids = unit(4, 6, 0), unit(4, 6, 1), [0, 1, 0, 2]
    temp = 0.07

    def cross_entropy(one: torch.Tensor, other: torch.Tensor) -> float:
        total = 0.0
        for i in range(4):
            logits = [float(one[i] @ other[j]) / temp for j in range(4)]
            log_sum = math.log(sum(math.exp(x) for x in logits))
            same = [j for j in range(4) if ids[j] == ids[i]]
            total -= sum((logits[j] - log_sum) / len(same) for j in same)
        return total / 4

    regular = sum(float(m.abs().mean() / m.square().sum().sqrt()) for m in (audio, text))
    expected = (cross_entropy(audio, text) + cross_entropy(text, audio)) / 2 + regular
    got = AseLoss()(audio, text, torch.tensor(1 / temp), torch.tensor(ids))
    assert float(got) == pytest.approx(expected, rel=1e-5)
    plain = AseLoss(regularise=False)(audio, text, torch.tensor(1 / temp), torch.tensor(ids))
    assert float(got - plain) == pytest.approx(regular, rel=1e-4)


def test_spread_of_unit_rows() -> None:
    assert float(spread(torch.eye(8))) == pytest.approx(1 / 8 / math.sqrt(8))  # one number a row
    even = torch.full((8, 16), 0.25)
    assert float(spread(even)) == pytest.approx(0.25 / math.sqrt(8))  # the most that there is
    assert float(spread(3 * even)) == pytest.approx(float(spread(even)))  # scale does not matter
