from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.objectives.masked_units import MaskedUnits


def material() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    hidden, labels = torch.randn(2, 6, 5), torch.randint(0, 7, (2, 6))
    masked = torch.tensor([[1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]).bool()
    padding = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]]).bool()
    return hidden, labels, masked, padding


@pytest.mark.parametrize("weight", [1.0, 0.7])
def test_it_is_what_a_loop_gives(weight: float) -> None:
    hidden, labels, masked, padding = material()
    units = MaskedUnits(5, 7, 4, temperature=0.1, weight=weight)
    means = []
    for where in (masked, ~masked & ~padding):
        losses = []
        for b, t in where.nonzero().tolist():
            state = units.projection(hidden[b, t])
            logits = F.cosine_similarity(state[None], units.units) / 0.1
            losses.append(F.cross_entropy(logits[None], labels[b, t][None]))
        means.append(torch.stack(losses).mean())
    expected = weight * means[0] + (1 - weight) * means[1]
    found = units(hidden, labels, masked, padding)
    assert found.loss.item() == pytest.approx(expected.item(), abs=1e-6)


def test_equal_units_give_the_logarithm_of_their_number() -> None:
    hidden, labels, masked, padding = material()
    units = MaskedUnits(5, 7, 4)
    units.units.data[:] = units.units.data[:1]
    found = units(hidden, labels, masked, padding)
    assert found.loss.item() == pytest.approx(math.log(7), abs=1e-5)


def test_only_hidden_steps_teach_where_alpha_is_1() -> None:
    hidden, labels, masked, padding = material()
    hidden.requires_grad_()
    MaskedUnits(5, 7, 4)(hidden, labels, masked, padding).loss.backward()
    assert torch.equal(hidden.grad.abs().sum(-1) > 0, masked)


def test_impossible_numbers_are_refused() -> None:
    hidden, labels, masked, padding = material()
    with pytest.raises(EarShotError, match="without a masked step"):
        MaskedUnits(5, 7)(hidden, labels, masked & False, padding)
    for wrong in ({"n_units": 1}, {"weight": 1.5}, {"temperature": 0.0}):
        with pytest.raises(EarShotError, match="two units"):
            MaskedUnits(**{"dim": 5, "n_units": 7, **wrong})
