from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.cwcl import CWCL
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.soft_positives import CosineWeights, own_only, tag_overlap

SETTINGS = settings(deadline=None, derandomize=True, max_examples=12)


def rows(n: int, dim: int = 6, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)))


def slow_cwcl(p: Tensor, q: Tensor, scale: float, kappa: float) -> float:
    """The paper's two equations, one number after the other."""
    n = len(p)
    dot = [[float(p[i].double() @ q[j].double()) * scale for j in range(n)] for i in range(n)]
    weighted = plain = 0.0
    for i in range(n):
        w = [(float(q[i].double() @ q[j].double()) / 2 + 0.5) ** kappa for j in range(n)]
        row = math.log(sum(math.exp(dot[i][k]) for k in range(n)))
        column = math.log(sum(math.exp(dot[k][i]) for k in range(n)))
        weighted -= sum(w[j] * (dot[i][j] - row) for j in range(n)) / sum(w) / n
        plain -= (dot[i][i] - column) / n
    return weighted + plain


@SETTINGS
@given(
    n=st.integers(1, 9),
    seed=st.integers(0, 99),
    scale=st.floats(1.0, 20.0),
    kappa=st.sampled_from([0.5, 1.0, 4.0, 16.0]),
)
def test_it_equals_a_double_loop(n: int, seed: int, scale: float, kappa: float) -> None:
    p, q = rows(n, seed=seed), rows(n, seed=seed + 100)
    loss = CWCL(CosineWeights(kappa))(p, q, torch.tensor(scale))
    assert loss.item() == pytest.approx(slow_cwcl(p, q, scale, kappa), rel=1e-6, abs=1e-5)
    halved = CWCL(CosineWeights(kappa), reduce="mean")(p, q, torch.tensor(scale))
    assert halved.item() == pytest.approx(loss.item() / 2, rel=1e-6)


@SETTINGS
@given(n=st.integers(1, 12), seed=st.integers(0, 99), scale=st.floats(1.0, 100.0))
def test_with_the_identity_it_is_twice_infonce(n: int, seed: int, scale: float) -> None:
    p, q, s = rows(n, seed=seed), rows(n, seed=seed + 100), torch.tensor(scale)
    assert CWCL(own_only)(p, q, s).item() == pytest.approx(
        2 * InfoNCE()(p, q, s).item(), rel=1e-6, abs=1e-6
    )


@SETTINGS
@given(seed=st.integers(0, 99))
def test_with_labels_it_is_supervised_contrastive_one_way(seed: int) -> None:
    p, q, s = rows(8, seed=seed), rows(8, seed=seed + 100), torch.tensor(5.0)
    labels = torch.tensor([0, 1, 0, 2, 1, 1, 3, 0])
    logits = s * p @ q.T
    log_share = logits - logits.logsumexp(1, keepdim=True)
    ours = -torch.stack([log_share[i][labels == labels[i]].mean() for i in range(8)]).mean()
    ours = ours + F.cross_entropy(logits.T, torch.arange(8))
    assert CWCL(tag_overlap)(p, q, s, by=F.one_hot(labels)).item() == pytest.approx(
        ours.item(), rel=1e-6
    )


def test_a_sharp_power_is_infonce_also_with_doubles() -> None:
    """Doubles have one column: whoever shares a row's weight among them changes nothing."""
    p, q, s = rows(6), rows(6, seed=1), torch.tensor(9.0)
    q[4] = q[1]
    texts = torch.tensor([0, 1, 2, 3, 1, 5])
    infonce = 2 * InfoNCE()(p, q, s).item()
    assert CWCL(CosineWeights(1e4))(p, q, s).item() == pytest.approx(infonce, rel=1e-5)
    assert CWCL(tag_overlap)(p, q, s, by=F.one_hot(texts)).item() == pytest.approx(
        infonce, rel=1e-6
    )
    assert abs(CWCL(CosineWeights(4.0))(p, q, s).item() - infonce) > 0.01


def test_no_gradient_reaches_the_frozen_side_or_the_weights() -> None:
    p, q = rows(5).requires_grad_(), rows(5, seed=1).requires_grad_()
    by, scale = rows(5, seed=2).requires_grad_(), torch.tensor(5.0, requires_grad=True)
    CWCL()(p, q, scale, by=by).backward()
    assert q.grad is None
    assert by.grad is None
    assert p.grad.abs().min() > 0
    assert scale.grad.abs() > 0


def test_the_loss_does_not_grow_with_copies_of_the_batch() -> None:
    """A row's weights are divided by their sum: twice the batch adds log 2 a direction."""
    p, q, s = rows(5), rows(5, seed=1), torch.tensor(5.0)
    once, twice = CWCL()(p, q, s), CWCL()(p.repeat(2, 1), q.repeat(2, 1), s)
    assert twice.item() == pytest.approx(once.item() + 2 * math.log(2), rel=1e-5)


def test_weights_of_a_given_source_take_the_place_of_the_frozen_side_s() -> None:
    p, q, s, other = rows(6), rows(6, seed=1), torch.tensor(5.0), rows(6, dim=3, seed=2)
    given_rows = CWCL()(p, q, s, by=other)
    own = CWCL()(p, q, s)
    assert abs(given_rows.item() - own.item()) > 1e-4
    weights = CosineWeights()(other)
    by_hand = CWCL(lambda _: weights)(p, q, s)
    assert given_rows.item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_an_alike_item_is_pulled_closer_and_a_foreign_one_is_not() -> None:
    q = F.normalize(torch.tensor([[1.0, 0, 0], [0.95, 0.3, 0], [-1.0, 0, 0.1]]))
    p = F.normalize(torch.tensor([[0.3, 0, 1.0], [0.2, 0.9, 0.5], [-0.4, 0.1, 0.8]]))
    p.requires_grad_()
    CWCL()(p, q, torch.tensor(2.0)).backward()
    step = F.normalize(p.detach() - 0.1 * p.grad)
    change = (step @ q.T - p.detach() @ q.T)[0]
    assert change[1] > 0 > change[2]


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (lambda p, q: CWCL()(p, q[:3], torch.tensor(1.0)), "one caption per clip"),
        (lambda p, q: CWCL()(p * math.nan, q, torch.tensor(1.0)), "Lower the learning rate"),
        (lambda p, q: CWCL(lambda x: -own_only(x))(p, q, torch.tensor(1.0)), "Clamp"),
        (lambda p, q: CWCL(lambda x: x)(p, q, torch.tensor(1.0)), "one for each pair"),
        (lambda p, q: CWCL(reduce="max"), "The paper's is sum"),
    ],
)
def test_what_cannot_be_is_refused(call, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        call(rows(5), rows(5, seed=1))
