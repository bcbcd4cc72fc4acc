from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.hard_negatives import HardNegatives
from earshot.objectives.infonce import InfoNCE
from objectives.extra_captions import drawn, unit_rows

FEW = settings(deadline=None, derandomize=True, max_examples=40)


@FEW
@given(seed=st.integers(0, 999), scale=st.floats(1.0, 100.0))
def test_against_a_double_loop(seed: int, scale: float) -> None:
    audio, text, negatives, owner, _ = drawn(seed)
    n = len(audio)
    a, c, g = audio.double(), text.double(), negatives.double()
    to_text = to_audio = 0.0
    for i in range(n):
        own = math.exp(scale * float(a[i] @ c[i]))
        among = sum(math.exp(scale * float(a[i] @ c[j])) for j in range(n))
        false = sum(
            math.exp(scale * float(a[i] @ g[k])) for k in range(len(g)) if int(owner[k]) == i
        )
        to_text -= math.log(own / (among + false)) / n
        clips = sum(math.exp(scale * float(c[i] @ a[j])) for j in range(n))
        to_audio -= math.log(own / clips) / n
    loss = HardNegatives()(audio, text, negatives, owner, torch.tensor(scale))
    assert loss.item() == pytest.approx((to_text + to_audio) / 2, rel=1e-5, abs=1e-6)


def test_without_negatives_it_is_infonce() -> None:
    audio, text = unit_rows(4, 6, 0), unit_rows(4, 6, 1)
    none = torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64)
    loss = HardNegatives()(audio, text, *none, torch.tensor(9.0))
    assert loss.item() == pytest.approx(InfoNCE()(audio, text, torch.tensor(9.0)).item(), abs=1e-6)


def test_a_foreign_negative_changes_nothing_and_draws_no_gradient() -> None:
    """At a negative cosine, where the released code's mask turns it into the largest logit."""
    audio, text = unit_rows(3, 6, 0).requires_grad_(), unit_rows(3, 6, 1)
    negatives = torch.cat([-audio[:1].detach(), unit_rows(1, 6, 5)]).requires_grad_()
    owner = torch.tensor([1, 2])
    with_one = HardNegatives()(audio, text, negatives, owner, torch.tensor(20.0))
    gradient = torch.autograd.grad(with_one, audio, retain_graph=True)[0][0]
    moved = negatives.detach().clone()
    moved[0] = unit_rows(1, 6, 9)  # clip 1's negative: clip 0 must not notice
    other = HardNegatives()(audio, text, moved, owner, torch.tensor(20.0))
    assert torch.allclose(torch.autograd.grad(other, audio)[0][0], gradient, atol=1e-7)
    assert with_one.item() < 20


def test_a_hard_negative_is_pushed_away() -> None:
    audio, text = unit_rows(3, 6, 0), unit_rows(3, 6, 1)
    negatives = unit_rows(3, 6, 2).requires_grad_()
    HardNegatives()(audio, text, negatives, torch.arange(3), torch.tensor(5.0)).backward()
    stepped = negatives.detach() - 0.1 * negatives.grad
    assert ((stepped * audio).sum(1) < (negatives.detach() * audio).sum(1)).all()


@pytest.mark.parametrize(
    ("negatives", "owner", "message"),
    [
        (torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64), "Embed them as the captions are"),
        (torch.zeros(2, 6), torch.zeros(3, dtype=torch.int64), "its clip's row"),
        (torch.zeros(2, 6), torch.tensor([0, 3]), "Count this process's clips from 0"),
        (torch.full((1, 6), torch.nan), torch.tensor([0]), "NaN"),
    ],
)
def test_faults_say_what_to_do(negatives, owner, message: str) -> None:
    with pytest.raises(EarShotError, match=message):
        HardNegatives()(unit_rows(3, 6, 0), unit_rows(3, 6, 1), negatives, owner, torch.tensor(5.0))
