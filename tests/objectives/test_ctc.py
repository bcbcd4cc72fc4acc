from __future__ import annotations

import itertools

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.objectives.ctc import BLANK, ctc_greedy, ctc_loss


def read(path: tuple[int, ...]) -> tuple[int, ...]:
    """A path without repeats and blanks, the slow way."""
    kept = [each for i, each in enumerate(path) if i == 0 or each != path[i - 1]]
    return tuple(each for each in kept if each != BLANK)


def test_it_is_the_sum_over_all_paths() -> None:
    logits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    n_positions = torch.tensor([5, 4, 3])
    tokens, n_tokens = torch.tensor([[1, 2], [3, 3], [2, 1]]), torch.tensor([2, 2, 1])
    losses = ctc_loss(logits, n_positions, tokens, n_tokens)
    for i in range(3):
        n, wanted = int(n_positions[i]), tuple(tokens[i, : n_tokens[i]].tolist())
        probability = logits[i].double().softmax(-1)
        total = sum(
            float(torch.stack([probability[t, each] for t, each in enumerate(path)]).prod())
            for path in itertools.product(range(4), repeat=n)
            if read(path) == wanted
        )
        assert losses[i].item() == pytest.approx(-torch.tensor(total).log().item(), abs=1e-5)


def test_a_clip_too_short_for_its_tokens_counts_nothing() -> None:
    logits = torch.zeros(2, 3, 4, requires_grad=True)
    tokens = torch.tensor([[1, 1, 2], [1, 2, 3]])  # equal neighbours need a blank between them
    losses = ctc_loss(logits, torch.tensor([3, 3]), tokens, torch.tensor([3, 3]))
    assert losses[0] == 0 < losses[1]
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[0].any()


def test_greedy_reading_joins_repeats_and_stops_at_the_end() -> None:
    path = torch.tensor([[1, 1, 0, 1, 2, 2, 0, 3], [2, 0, 0, 3, 1, 1, 1, 1]])
    logits = torch.nn.functional.one_hot(path, 4).float()
    assert ctc_greedy(logits, torch.tensor([8, 4])) == [[1, 1, 2, 3], [2, 3]]
    assert ctc_greedy(torch.zeros(1, 3, 4), torch.tensor([3])) == [[]]


def test_rows_must_pair() -> None:
    with pytest.raises(EarShotError, match="logits of shape"):
        ctc_loss(torch.zeros(2, 3, 4), torch.tensor([3, 3]), torch.ones(1, 1), torch.tensor([1]))
