from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.models.event_namer import EventNamer, EventNamerConfig, prompt_of

NAMES = ("bell", "dog", "rain", "wind")


class Told(EventNamer):
    """A namer that is handed its logits [batch, 3, names] as what was heard."""

    def forward(self, heard: Tensor) -> Tensor:
        return heard


def namer(most: int = 3) -> Told:
    return Told(8, EventNamerConfig(names=NAMES, most=most))


def heard(whole: list[float], first: list[float], second: list[float]) -> Tensor:
    return torch.tensor([[whole, first, second]])


LOW = [-9.0] * 4


def test_only_what_reaches_its_threshold_is_said() -> None:
    one = namer()
    one.least.copy_(torch.tensor([0.0, 2.0, 0.0, 0.0]))
    whole = heard([-1.0, 1.0, -0.1, -3.0], LOW, LOW)
    assert one.prompts(whole) == [""]
    assert one.prompts(whole + torch.tensor([0.0, 0.0, 0.2, 0.0])) == ["rain:"]
    assert one.prompts(whole + torch.tensor([0.0, 1.0, 0.0, 0.0])) == ["dog:"]


def test_further_names_must_be_surer() -> None:
    one = namer()
    whole = heard([3.0, 1.0, -9.0, -9.0], LOW, LOW)
    one.more.fill_(1.5)
    assert one.prompts(whole) == ["bell:"]
    one.more.fill_(1.0)
    assert one.prompts(whole) == ["bell with dog:"]
    assert namer(most=1).prompts(whole) == ["bell:"]


def test_the_halves_tell_the_order() -> None:
    one = namer()
    whole = [-9.0, 2.0, 3.0, -9.0]
    apart = heard(whole, [-9.0, 5.0, -5.0, -9.0], [-9.0, -5.0, 5.0, -9.0])
    assert one.prompts(apart) == ["dog, then rain:"]
    assert one.prompts(apart[:, [0, 2, 1]]) == ["rain, then dog:"]
    both = heard(whole, [-9.0, 3.0, 3.0, -9.0], [-9.0, 3.0, 3.0, -9.0])
    assert one.prompts(both) == ["rain with dog:"]
    three = heard([-9.0, 2.0, 3.0, 1.0], [-9.0, 5.0, 0.0, -5.0], [-9.0, -5.0, 0.0, 5.0])
    assert one.prompts(three) == ["dog, rain, wind:"]


def test_batch_mates_change_nothing() -> None:
    torch.manual_seed(0)
    one = EventNamer(8, EventNamerConfig(names=NAMES)).eval()
    rows = torch.nn.functional.normalize(torch.randn(6, 3, 8), dim=-1)
    each = [one.prompts(row[None])[0] for row in rows]
    assert one.prompts(rows) == each
    assert one(rows).shape == (6, 3, 4)


def test_prompts_are_names_and_a_colon() -> None:
    assert prompt_of(["dog", "rain"], " with ") == "dog with rain:"
    assert prompt_of([], ", ") == ""


def test_sizes_that_name_nothing_are_refused() -> None:
    with pytest.raises(EarShotError, match="two or more names"):
        EventNamerConfig(names=("dog", "dog"))
    with pytest.raises(EarShotError, match="sizes of at least 1"):
        EventNamerConfig(names=NAMES, most=0)
