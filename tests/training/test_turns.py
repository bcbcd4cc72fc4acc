from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from earshot.core.errors import EarShotError
from earshot.training.fit import FitConfig, fit
from earshot.training.turns import TurnBatch, in_turn, updates_in_turn


def numbers(start: int) -> Iterator[int]:
    return iter(itertools.count(start))


def test_turns_follow_the_number_of_the_batch() -> None:
    begun = list(itertools.islice(in_turn(numbers, 2)(0), 7))
    assert [each.who for each in begun] == ["augment", "encoder", "encoder"] * 2 + ["augment"]
    assert [each.batch for each in begun] == list(range(7))
    assert list(itertools.islice(in_turn(numbers, 2)(3), 4)) == begun[3:]
    assert {each.who for each in itertools.islice(in_turn(numbers, None)(0), 5)} == {"encoder"}
    with pytest.raises(EarShotError, match="after 0 others"):
        in_turn(numbers, 0)


@settings(deadline=None, derandomize=True)
@given(wanted=st.integers(1, 50), every=st.integers(1, 9))
def test_the_encoder_gets_its_updates_and_the_last_one(wanted: int, every: int) -> None:
    n = updates_in_turn(wanted, every)
    turns = [each.who for each in itertools.islice(in_turn(numbers, every)(0), n)]
    assert turns.count("encoder") == wanted
    assert turns[-1] == "encoder"
    assert updates_in_turn(wanted, None) == wanted


class Pair(nn.Module):
    """Two maps that learn in turn from each other's output."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)

    def loss(self, who: str, x: torch.Tensor) -> torch.Tensor:
        if who == "encoder":
            return (self.one(self.two(x).detach()) - x).square().mean()
        return (self.two(self.one(x).detach()) + x).square().mean()


def test_one_fit_in_turn_is_two_optimisers_in_turn(tmp_path: Path) -> None:
    """Each with its own moments, decay and learning rate; none moves in the other's turn."""
    generator = torch.Generator().manual_seed(1)
    data = [torch.randn(4, 3, generator=generator) for _ in range(30)]

    def batches(start: int) -> Iterator[Any]:
        return (data[i % 30] for i in itertools.count(start))

    fitted, by_hand = Pair(), Pair()
    config = FitConfig(
        steps=30, learning_rate=1e-2, warmup_steps=0, schedule="constant", weight_decay=0.1
    )

    def loss_of(turn: TurnBatch) -> torch.Tensor:
        return fitted.loss(turn.who, turn.batch)

    fit(
        fitted,
        loss_of,
        in_turn(batches, 2),
        config,
        tmp_path,
        rate_of=lambda name: 5.0 if name.startswith("two.") else 1.0,
    )
    rates = {"one": 1e-2, "two": 5e-2}
    optimizers = {
        name: torch.optim.AdamW(
            [
                {"params": [getattr(by_hand, name).weight], "weight_decay": 0.1},
                {"params": [getattr(by_hand, name).bias], "weight_decay": 0.0},
            ],
            lr=rate,
        )
        for name, rate in rates.items()
    }
    for i in range(30):
        who, part = ("augment", "two") if i % 3 == 0 else ("encoder", "one")
        loss = by_hand.loss(who, data[i])
        optimizers[part].zero_grad()
        loss.backward()
        optimizers[part].step()
    for name, value in by_hand.state_dict().items():
        torch.testing.assert_close(fitted.state_dict()[name], value, atol=1e-7, rtol=1e-6)
