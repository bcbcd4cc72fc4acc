from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE

SETTINGS = settings(deadline=None, derandomize=True, max_examples=30)


def rows(n: int, dim: int = 6, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)))


@SETTINGS
@given(n=st.integers(2, 64), scale=st.floats(1.0, 100.0))
def test_perfect_pairs_give_the_closed_form(n: int, scale: float) -> None:
    pairs = torch.eye(n)  # each clip meets its own caption at cosine 1, every other at 0
    loss = InfoNCE()(pairs, pairs, torch.tensor(scale))
    assert loss.item() == pytest.approx(math.log1p((n - 1) * math.exp(-scale)), abs=1e-5)


@SETTINGS
@given(n=st.integers(1, 9), seed=st.integers(0, 99), scale=st.floats(1.0, 100.0))
def test_both_directions_count_and_are_symmetric(n: int, seed: int, scale: float) -> None:
    audio, text, scale_ = rows(n, seed=seed), rows(n, seed=seed + 100), torch.tensor(scale)
    loss = InfoNCE()(audio, text, scale_)
    logits = scale_ * audio @ text.T
    target = torch.arange(n)
    ours = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    assert loss.item() == pytest.approx(ours.item(), rel=1e-5, abs=1e-6)
    assert loss.item() == pytest.approx(InfoNCE()(text, audio, scale_).item(), rel=1e-5, abs=1e-6)


def test_distinct_groups_are_plain_pairs_and_one_group_is_uniform() -> None:
    audio, text, scale = rows(5), rows(5, seed=1), torch.tensor(10.0)
    plain = InfoNCE()(audio, text, scale)
    assert torch.equal(InfoNCE()(audio, text, scale, groups=torch.arange(5)), plain)
    same = torch.eye(5)[[0] * 5]  # equal rows: every caption is as good, and each is a positive
    loss = InfoNCE()(same, same, scale, groups=torch.zeros(5, dtype=torch.int64))
    assert loss.item() == pytest.approx(math.log(5), abs=1e-6)


def test_groups_and_positives_agree_and_positives_are_relative() -> None:
    audio, text, scale = rows(4), rows(4, seed=1), torch.tensor(7.0)
    groups = torch.tensor([0, 1, 0, 2])
    mask = (groups[:, None] == groups[None]).float()
    by_group = InfoNCE()(audio, text, scale, groups=groups)
    assert by_group.item() == pytest.approx(
        InfoNCE()(audio, text, scale, positives=3 * mask).item(), abs=1e-6
    )
    assert by_group.item() != pytest.approx(InfoNCE()(audio, text, scale).item(), abs=1e-3)


def test_a_second_positive_is_pulled_closer() -> None:
    audio = rows(4).requires_grad_()
    text = rows(4, seed=1)
    groups = torch.tensor([0, 0, 1, 2])
    InfoNCE()(audio, text, torch.tensor(5.0), groups=groups).backward()
    step = F.normalize(audio.detach() - 0.05 * audio.grad)
    before = (audio.detach() @ text.T)[0, :2].sum()
    assert (step @ text.T)[0, :2].sum() > before


def test_bf16_input_is_computed_in_float32() -> None:
    audio, text = rows(6).bfloat16(), rows(6, seed=1).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = InfoNCE()(audio, text, torch.tensor(50.0))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(
        InfoNCE()(audio.float(), text.float(), torch.tensor(50.0)).item(), rel=1e-6
    )


def test_gradient_reaches_both_towers_and_the_scale() -> None:
    audio, text = rows(4).requires_grad_(), rows(4, seed=1).requires_grad_()
    scale = torch.tensor(5.0, requires_grad=True)
    InfoNCE()(audio, text, scale).backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for x in (audio, text, scale))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_nan_is_refused_in_words(bad: float) -> None:
    audio = rows(3)
    audio[1, 2] = bad
    with pytest.raises(EarShotError, match="audio_embeddings with NaN.*learning rate"):
        InfoNCE()(audio, rows(3), torch.tensor(1.0))
    with pytest.raises(EarShotError, match="text_embeddings"):
        InfoNCE()(rows(3), audio, torch.tensor(1.0))
    with pytest.raises(EarShotError, match="a loss of"):
        InfoNCE()(rows(3), rows(3), torch.tensor(torch.nan))


def test_shapes_that_do_not_pair_are_refused() -> None:
    one = torch.tensor(1.0)
    with pytest.raises(EarShotError, match="one caption per clip"):
        InfoNCE()(rows(3), rows(4), one)
    with pytest.raises(EarShotError, match="group number"):
        InfoNCE()(rows(3), rows(3), one, groups=torch.zeros(2, dtype=torch.int64))
    with pytest.raises(EarShotError, match="one of them"):
        InfoNCE()(
            rows(3),
            rows(3),
            one,
            groups=torch.zeros(3, dtype=torch.int64),
            positives=torch.eye(3),
        )
    with pytest.raises(EarShotError, match="zero or more"):
        InfoNCE()(rows(3), rows(3), one, positives=-torch.eye(3))
