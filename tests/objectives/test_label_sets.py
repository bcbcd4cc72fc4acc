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
from earshot.objectives.label_sets import LabelSetNCE, part_of


def rows(n: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)))


def hot(sets: list[set[int]], n_labels: int = 4) -> Tensor:
    return torch.tensor([[float(label in each) for label in range(n_labels)] for each in sets])


def slow(audio: Tensor, text: Tensor, scale: float, sets: list[set[int]]) -> float:
    n, total = len(sets), 0.0
    for i in range(n):
        for clip_is_anchor in (True, False):
            denominator, right, n_right = 0.0, 0.0, 0
            for j in range(n):
                clip, caption = (i, j) if clip_is_anchor else (j, i)
                if sets[caption] < sets[clip]:  # true of the clip, but not all of it
                    continue
                logit = scale * float(audio[clip] @ text[caption])
                denominator += math.exp(logit)
                if sets[caption] == sets[clip]:
                    right, n_right = right + logit, n_right + 1
            total += (math.log(denominator) - right / n_right) / n / 2
    return total


SETS = st.lists(st.sets(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=7)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(sets=SETS, seed=st.integers(0, 50), scale=st.floats(1.0, 20.0))
def test_the_loss_is_that_of_the_double_loop(sets: list[set[int]], seed: int, scale: float) -> None:
    audio, text = rows(len(sets), seed), rows(len(sets), seed + 99)
    found = LabelSetNCE()(audio, text, torch.tensor(scale), hot(sets))
    assert found.item() == pytest.approx(slow(audio, text, scale, sets), rel=1e-5, abs=1e-6)


def test_single_events_are_infonce_by_label() -> None:
    audio, text, scale = rows(5), rows(5, 1), torch.tensor(8.0)
    labels = torch.tensor([0, 1, 2, 0, 3])
    found = LabelSetNCE()(audio, text, scale, F.one_hot(labels, 4).float())
    assert found.item() == pytest.approx(
        InfoNCE()(audio, text, scale, groups=labels).item(), rel=1e-5
    )


def test_a_caption_of_one_event_is_no_negative_of_a_clip_of_both() -> None:
    contained = part_of(hot([{0}, {1}, {0, 1}]))
    assert contained.tolist() == [[True, False, False], [False, True, False], [True, True, True]]
    audio = rows(3).requires_grad_()
    text = rows(3, 1)
    LabelSetNCE()(audio, text, torch.tensor(5.0), hot([{0}, {1}, {0, 1}])).backward()
    assert audio.grad[2].abs().sum() < 2  # finite, whatever was left out
    moved = text.clone()
    moved[0] = -moved[0]
    before = LabelSetNCE()(audio, text, torch.tensor(5.0), hot([{2}, {1}, {0, 1}]))
    after = LabelSetNCE()(audio, moved, torch.tensor(5.0), hot([{2}, {1}, {0, 1}]))
    assert before.item() != pytest.approx(after.item(), abs=1e-4)  # {2} is a negative of {0, 1}


def test_rows_without_events_and_wrong_shapes_are_refused() -> None:
    one = torch.tensor(1.0)
    with pytest.raises(EarShotError, match="without any event"):
        LabelSetNCE()(rows(2), rows(2), one, hot([{0}, set()]))
    with pytest.raises(EarShotError, match="labels_hot"):
        LabelSetNCE()(rows(2), rows(2), one, hot([{0}]))
