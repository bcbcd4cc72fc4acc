from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.objectives.cpc import cpc_loss


@pytest.mark.parametrize("n", [1, 7, 40])
def test_without_knowledge_it_is_the_logarithm_of_the_choices(n: int) -> None:
    latents = torch.randn(3, 20, 4)
    score = cpc_loss(torch.zeros(2, 3, 20, 4), latents, torch.tensor([20, 18, 9]), n)
    assert score.loss.item() == pytest.approx(math.log(n + 1), abs=1e-6)
    assert score.accuracy == 0


def test_it_is_what_a_loop_gives() -> None:
    torch.manual_seed(0)
    latents, predictions = torch.randn(2, 6, 3), torch.randn(2, 2, 6, 3)
    lengths, n = [6, 4], 4
    pool = torch.tensor([9, 0, 3, 5, 7])  # places among the 10 real positions
    real = [(b, t) for b in range(2) for t in range(lengths[b])]
    means = []
    for k in (1, 2):
        losses = []
        for b, t in real:
            if t + k >= lengths[b]:
                continue
            others = [real[int(p)] for p in pool]
            others = [p for p in others if p != (b, t + k)][:n]
            choice = [latents[b, t + k], *(latents[p] for p in others)]
            logits = torch.stack([predictions[k - 1, b, t] @ each for each in choice])
            losses.append(F.cross_entropy(logits[None], torch.tensor([0])))
        means.append(torch.stack(losses).mean())
    score = cpc_loss(predictions, latents, torch.tensor(lengths), n, pool=pool)
    assert score.loss.item() == pytest.approx(torch.stack(means).mean().item(), abs=1e-6)


def test_padding_and_what_lies_in_it_count_for_nothing() -> None:
    torch.manual_seed(0)
    latents, predictions = torch.randn(2, 9, 3), torch.randn(2, 2, 9, 3)
    lengths, pool = torch.tensor([5, 7]), torch.arange(5)
    one = cpc_loss(predictions, latents, lengths, 4, pool=pool)
    latents[0, 5:], predictions[:, 0, 5:] = 99.0, -99.0
    two = cpc_loss(predictions, latents, lengths, 4, pool=pool)
    assert one.loss == two.loss


def test_what_knows_all_has_no_loss() -> None:
    latents = F.normalize(torch.randn(2, 30, 64), dim=-1)
    ahead = torch.stack([latents.roll(-k, 1) for k in (1, 2)]) * 100
    score = cpc_loss(ahead, latents, torch.tensor([30, 30]), 20)
    assert score.loss < 1e-4
    assert score.accuracy == 1


def test_too_few_positions_are_refused() -> None:
    with pytest.raises(EarShotError, match="more positions than either"):
        cpc_loss(torch.zeros(1, 1, 5, 2), torch.zeros(1, 5, 2), torch.tensor([5]), 5)
    with pytest.raises(EarShotError, match="more positions than either"):
        cpc_loss(torch.zeros(5, 2, 5, 2), torch.zeros(2, 5, 2), torch.tensor([5, 5]), 3)
