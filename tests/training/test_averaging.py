from __future__ import annotations

import pytest
import torch
from torch import nn

from earshot.training.averaging import copy_average, decay_at, running_average


class Point(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value))
        self.register_buffer("mean", torch.tensor(value))
        self.register_buffer("count", torch.tensor(0))

    def move(self, value: float) -> None:
        with torch.no_grad():
            self.weight.fill_(value)
            self.mean.fill_(value)
            self.count += 1


def test_the_recurrence() -> None:
    model = Point(9.0)
    average = running_average(model, decay=0.5)
    expected = None
    for update, value in enumerate([1.0, 3.0, -2.0, 8.0, 5.0, 4.0, 7.0, 7.0, 1.0, 0.0]):
        model.move(value)
        average.update_parameters(model)
        keep = min(0.5, (1 + update) / (10 + update))
        expected = value if expected is None else keep * expected + (1 - keep) * value
        assert average.module.weight.item() == pytest.approx(expected, abs=1e-6)
        assert average.module.mean.item() == pytest.approx(expected, abs=1e-6)
    assert average.module.count.item() == 10
    copy_average(average, model)
    assert model.weight.item() == pytest.approx(expected, abs=1e-6)


def test_the_decay_rises_to_its_ceiling() -> None:
    assert decay_at(1, 0.999) == pytest.approx(2 / 11)
    assert decay_at(100_000, 0.999) == 0.999
