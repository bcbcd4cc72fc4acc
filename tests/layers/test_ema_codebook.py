from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.ema_codebook import (
    EmaCodebook,
    EmaCodebookConfig,
    cosine_kmeans,
    perplexity,
)

RANDOM = EmaCodebookConfig(n_codes=5, dim=3, decay=0.9, kmeans_steps=0)
NO_PADDING = torch.zeros(2, 7, dtype=torch.bool)


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_codes_commitment_and_the_move_of_codes_by_a_slow_loop(seed: int) -> None:
    torch.manual_seed(seed)
    book = EmaCodebook(RANDOM).train()
    before, vectors = book.weight.clone(), torch.randn(2, 7, 3)
    padding = torch.rand(2, 7) < 0.3
    padding[0, 0] = False
    found = book(vectors, padding)
    chosen: dict[int, list[torch.Tensor]] = {}
    errors = []
    for b in range(2):
        for t in range(7):
            unit = vectors[b, t] / vectors[b, t].norm()
            distances = [float((code - unit).square().sum()) for code in before]
            code = distances.index(min(distances))
            assert found.codes[b, t] == code
            assert torch.allclose(found.vectors[b, t], before[code], atol=1e-6)
            if not padding[b, t]:
                chosen.setdefault(code, []).append(unit)
                errors.append(distances[code] / 3)
    assert found.commitment.item() == pytest.approx(sum(errors) / len(errors), abs=1e-6)
    for code in range(5):
        expected = before[code]
        if code in chosen:
            mean = torch.stack(chosen[code]).sum(0)
            expected = 0.9 * before[code] + 0.1 * mean / mean.norm()
            expected = expected / expected.norm()
        assert torch.allclose(book.weight[code], expected, atol=1e-6)
        assert book.usage[code].item() == pytest.approx(0.1 * len(chosen.get(code, [])), abs=1e-6)
    share = [len(each) / len(errors) for each in chosen.values()]
    entropy = -sum(p * math.log(p) for p in share)
    assert found.perplexity.item() == pytest.approx(math.exp(entropy), rel=1e-5)


def test_gradients_pass_straight_through_and_the_commitment_pulls() -> None:
    book = EmaCodebook(RANDOM).eval()
    vectors = F.normalize(torch.randn(2, 7, 3), dim=-1).requires_grad_()
    found = book(vectors, NO_PADDING)
    wanted = torch.randn(2, 7, 3)
    (grad,) = torch.autograd.grad((found.vectors * wanted).sum(), vectors, retain_graph=True)
    along = (wanted * vectors).sum(-1, keepdim=True) * vectors  # unit length cannot change
    assert torch.allclose(grad, (wanted - along).detach(), atol=1e-5)
    (pull,) = torch.autograd.grad(found.commitment, vectors)
    nearer = book((vectors - 0.5 * pull).detach(), NO_PADDING)
    assert nearer.commitment < found.commitment


def test_nothing_moves_in_eval_mode_and_padding_never_counts() -> None:
    torch.manual_seed(0)
    book = EmaCodebook(RANDOM).eval()
    state = {name: value.clone() for name, value in book.state_dict().items()}
    vectors = torch.randn(2, 7, 3)
    book(vectors, NO_PADDING)
    assert all(torch.equal(state[name], value) for name, value in book.state_dict().items())
    padding = torch.arange(7)[None] >= torch.tensor([[7], [4]])
    louder = vectors.masked_fill(padding[..., None], 99.0)
    one, two = EmaCodebook(RANDOM), EmaCodebook(RANDOM)
    two.load_state_dict(one.state_dict())
    first, second = one(vectors, padding), two(louder, padding)
    assert torch.equal(one.weight, two.weight)
    assert first.commitment == second.commitment
    assert first.perplexity == second.perplexity


def test_kmeans_starts_the_codes_once_and_finds_the_clusters() -> None:
    torch.manual_seed(1)
    centres = F.normalize(torch.randn(4, 16))
    vectors = F.normalize(centres[torch.arange(80) % 4] + 0.05 * torch.randn(80, 16))
    book = EmaCodebook(EmaCodebookConfig(n_codes=24, dim=16))
    assert not bool(book.started)
    found = book.train()(vectors[None], torch.zeros(1, 80, dtype=torch.bool))
    assert bool(book.started)
    assert found.commitment < 0.01
    same = found.codes[0, :, None] == found.codes[0, None]  # a code is of one cluster only
    cluster = torch.arange(80) % 4
    assert not (same & (cluster[:, None] != cluster[None])).any()
    again = EmaCodebook(EmaCodebookConfig(n_codes=24, dim=16))
    again.load_state_dict(book.state_dict())
    moved = again(vectors[None], torch.zeros(1, 80, dtype=torch.bool))
    assert moved.commitment <= found.commitment + 1e-6  # no second start


def test_fewer_vectors_than_means_are_taken_again() -> None:
    vectors = F.normalize(torch.randn(3, 5))
    means = cosine_kmeans(vectors, 8, 3)
    assert means.shape == (8, 5)
    assert torch.allclose(means @ vectors.T, (means @ vectors.T).clamp(max=1.0), atol=1e-6)
    with pytest.raises(EarShotError, match="no vector"):
        cosine_kmeans(vectors[:0], 8, 3)


@given(n=st.integers(1, 40))
@settings(deadline=None, derandomize=True, max_examples=10)
def test_perplexity_counts_what_is_used(n: int) -> None:
    assert perplexity(torch.full((n,), 3.0)).item() == pytest.approx(n, rel=1e-5)
    assert perplexity(torch.tensor([0.0, 7.0, 0.0])).item() == pytest.approx(1.0)


def test_impossible_codebooks_are_refused() -> None:
    with pytest.raises(EarShotError, match="at least one code"):
        EmaCodebookConfig(n_codes=0)
    with pytest.raises(EarShotError, match=r"decay=1"):
        EmaCodebookConfig(decay=1.0)
    with pytest.raises(EarShotError, match="codebook's dim"):
        EmaCodebook(RANDOM)(torch.zeros(1, 2, 4), torch.zeros(1, 2, dtype=torch.bool))
