from __future__ import annotations

import pytest
import torch
from torch import nn

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE
from earshot.training.locking import LockedTexts, lock
from tiny_models import strip_model

TEXTS = ["a dog", "a cat that sits", "rain", "wind in the trees"]


def test_a_locked_module_has_no_gradient_and_no_dropout() -> None:
    module = lock(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.9)))
    row = torch.ones(1, 3)
    assert torch.equal(module(row), module(row))
    assert not module(row).requires_grad


def test_a_locked_tower_stays_as_it_was_while_the_other_learns() -> None:
    model = strip_model().lock("text")
    model.train()
    assert not any(part.training for part in model.text_encoder.modules())
    assert not model.text_projection.training
    assert model.audio_encoder.training
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    rows = model.embed_audio(torch.randn(4, 4_000) * 0.1, torch.full((4,), 4_000))
    InfoNCE()(rows, model.embed_text(TEXTS), model.scale).backward()
    optimiser.step()
    moved = {n for n, value in model.state_dict().items() if not torch.equal(before[n], value)}
    assert moved
    assert not any(name.startswith("text_") for name in moved)
    assert "logit_scale" in moved


def test_either_side_or_both_can_be_locked() -> None:
    model = strip_model().lock("audio").lock("text").lock("text")
    assert model.locked == ("audio", "text")
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["logit_scale"]


def test_kept_rows_are_those_of_the_tower() -> None:
    model = strip_model().train()
    texts = LockedTexts(model, [*TEXTS, TEXTS[0]], batch_size=3)
    assert texts.rows is not None
    assert texts.rows.shape[0] == 4
    wanted = [TEXTS[2], TEXTS[0], TEXTS[2]]
    rows = texts(wanted)
    with torch.no_grad():
        torch.testing.assert_close(rows, model.embed_text(wanted), atol=1e-6, rtol=0)
    assert not rows.requires_grad
    torch.testing.assert_close(texts(["new"]), model.embed_text(["new"]))
    assert len(texts.all_rows()) == 4


def test_rows_do_not_depend_on_the_order_of_the_texts() -> None:
    model = strip_model()
    one, two = LockedTexts(model, TEXTS), LockedTexts(model, TEXTS[::-1])
    assert torch.equal(one(TEXTS), two(TEXTS))


def test_a_large_corpus_is_read_batch_by_batch() -> None:
    model = strip_model()
    few, many = LockedTexts(model, TEXTS), LockedTexts(model, TEXTS, at_most=2)
    assert many.rows is None
    torch.testing.assert_close(many(TEXTS), few(TEXTS), atol=1e-6, rtol=0)
    assert len(many.all_rows(at_most=2)) == 2


def test_no_text_is_refused() -> None:
    with pytest.raises(EarShotError, match="captions or labels"):
        LockedTexts(strip_model(), [])
