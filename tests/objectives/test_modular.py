from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.modular import ModularContrastive
from objectives.extra_captions import drawn, unit_rows

FEW = settings(deadline=None, derandomize=True, max_examples=40)


@FEW
@given(seed=st.integers(0, 999), scale=st.floats(1.0, 100.0))
def test_against_a_double_loop(seed: int, scale: float) -> None:
    audio, text, extra, owner, positive = drawn(seed)
    n = len(audio)
    a, c, e = audio.double(), text.double(), extra.double()
    to_text, to_audio, n_positives = 0.0, 0.0, 0
    for i in range(n):
        mine = [k for k in range(len(e)) if int(owner[k]) == i]
        own = [c[i], *(e[k] for k in mine)]
        true = [c[i], *(e[k] for k in mine if bool(positive[k]))]
        among = sum(math.exp(scale * float(a[i] @ q)) for q in own)
        among += sum(math.exp(scale * float(a[i] @ c[j])) for j in range(n) if j != i)
        for p in true:
            cosine = scale * float(a[i] @ p)
            to_text -= (cosine - math.log(among)) / len(true) / n
            clips = sum(math.exp(scale * float(a[j] @ p)) for j in range(n))
            to_audio -= cosine - math.log(clips)
            n_positives += 1
    loss = ModularContrastive()(audio, text, extra, owner, positive, torch.tensor(scale))
    assert loss.item() == pytest.approx((to_text + to_audio / n_positives) / 2, rel=1e-5, abs=1e-6)


def test_the_mask_as_the_paper_has_it() -> None:
    """Captions item by item; the first keeps all columns, the others their own clip's alone."""
    audio, text, extra, owner, positive = drawn(13)
    order = [(i, None) for i in range(5)] + [(int(o), k) for k, o in enumerate(owner)]
    order.sort(key=lambda item: (item[0], item[1] is not None, item[1] or 0))
    captions = torch.stack([text[i] if k is None else extra[k] for i, k in order])
    mask = torch.stack([torch.arange(5) == i if k is not None else torch.ones(5) for i, k in order])
    logits = (7.0 * captions @ audio.T).masked_fill(~mask.bool(), -torch.inf)  # [captions, clips]
    true = torch.tensor([k is None or bool(positive[k]) for _, k in order])
    item = torch.tensor([i for i, _ in order])
    costs = -logits.log_softmax(0)[torch.arange(len(order)), item]
    to_text = torch.stack([costs[true & (item == i)].mean() for i in range(5)]).mean()
    chosen = -(7.0 * captions @ audio.T).log_softmax(1)[torch.arange(len(order)), item]
    wanted = (to_text + chosen[true].mean()) / 2
    loss = ModularContrastive()(audio, text, extra, owner, positive, torch.tensor(7.0))
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-5)


def test_without_extra_captions_it_is_infonce() -> None:
    audio, text = unit_rows(4, 6, 0), unit_rows(4, 6, 1)
    none = torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.bool)
    loss = ModularContrastive()(audio, text, *none, torch.tensor(9.0))
    assert loss.item() == pytest.approx(InfoNCE()(audio, text, torch.tensor(9.0)).item(), abs=1e-6)


def test_gradients_are_finite_where_logits_are_not() -> None:
    audio, text, extra, owner, positive = drawn(13)
    parts = [each.clone().requires_grad_() for each in (audio, text, extra)]
    ModularContrastive()(*parts, owner, positive, torch.tensor(100.0)).backward()
    assert all(torch.isfinite(each.grad).all() and each.grad.any() for each in parts)


def test_truth_must_be_told_of_every_caption() -> None:
    audio, text, extra, owner, _ = drawn(13)
    with pytest.raises(EarShotError, match="whether it is true"):
        ModularContrastive()(
            audio, text, extra, owner, torch.ones(1, dtype=torch.bool), torch.tensor(5.0)
        )
