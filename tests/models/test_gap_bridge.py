from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.models.gap_bridge import (
    Bridges,
    GapBridge,
    GapBridgeConfig,
    Nearest,
    Noise,
    Offset,
    Projection,
    Replacement,
    inference_bridge,
    mean_gap,
    neighbours_of,
    training_bridge,
)


def rows(n: int, dim: int = 8, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)))


def drawn(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(2, 30), st.floats(0, 0.1), st.floats(0, 1), st.integers(0, 9))
def test_every_bridge_gives_unit_rows(n: int, noise: float, replacement: float, seed: int) -> None:
    corpus = rows(n, seed=seed)
    config = GapBridgeConfig(replacement=replacement, noise=noise, offset=True)
    bridge = training_bridge(config, corpus, torch.full((8,), 0.2))
    moved = bridge.train_text(corpus, torch.arange(n), drawn(seed))
    assert torch.allclose(moved.norm(dim=1), torch.ones(n), atol=1e-5)
    for sounds in ("projection", "nearest"):
        bridge = inference_bridge(GapBridgeConfig(sounds=sounds), corpus)  # type: ignore[arg-type]
        moved = bridge.infer_audio(rows(5, seed=99))
        assert torch.allclose(moved.norm(dim=1), torch.ones(5), atol=1e-5)


def test_none_moves_nothing() -> None:
    corpus = rows(6)
    bridge = training_bridge(GapBridgeConfig.none(), corpus, None)
    assert torch.equal(bridge.train_text(corpus, torch.arange(6), drawn()), corpus)
    assert torch.equal(inference_bridge(GapBridgeConfig(), None).infer_audio(corpus), corpus)
    assert torch.equal(GapBridge().train_text(corpus, torch.arange(6), drawn()), corpus)


def test_noise_turns_by_as_much_as_its_variance_says() -> None:
    dim, variance = 512, 0.015
    texts = rows(400, dim)
    moved = Noise(variance).train_text(texts, torch.arange(400), drawn())
    expected = 1 / (1 + variance * dim) ** 0.5  # the noise lies across the text in high dimensions
    assert float((texts * moved).sum(1).mean()) == pytest.approx(expected, abs=0.01)


def test_a_neighbour_stands_for_a_text_as_often_as_told() -> None:
    corpus = rows(500)
    neighbours = neighbours_of(corpus, 3)
    places = torch.arange(500)
    moved = Replacement(corpus, neighbours, 0.4).train_text(corpus, places, drawn())
    changed = ~torch.isclose(moved, corpus).all(1)
    assert float(changed.float().mean()) == pytest.approx(0.4, abs=0.06)
    came_from = (moved @ corpus.T).argmax(1)
    assert all(int(came_from[i]) in neighbours[i].tolist() for i in places[changed].tolist())


def test_neighbours_are_the_closest_others_whatever_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus = rows(40)
    whole = neighbours_of(corpus, 4)
    cosines = corpus @ corpus.T
    cosines.fill_diagonal_(-2)
    assert torch.equal(whole, cosines.topk(4).indices)
    monkeypatch.setattr("earshot.models.gap_bridge.BLOCK", 7)
    assert torch.equal(neighbours_of(corpus, 4), whole)
    assert neighbours_of(corpus[:3], 9).shape == (3, 2)


def test_an_offset_closes_the_gap_that_it_was_measured_by() -> None:
    texts = F.normalize(rows(300, 16) * 0.3 + torch.eye(16)[0])
    sounds = F.normalize(rows(300, 16, seed=7) * 0.3 + torch.eye(16)[1])
    gap = mean_gap(texts, sounds)
    moved = Offset(gap).train_text(texts, torch.arange(300), drawn())
    assert mean_gap(moved, sounds).norm() < 0.2 * gap.norm()


def test_a_projection_lies_among_texts_and_goes_to_the_nearest_as_it_cools() -> None:
    bank, sounds = rows(20), rows(5, seed=3)
    nearest = Nearest(bank).infer_audio(sounds)
    assert torch.equal(nearest, bank[(sounds @ bank.T).argmax(1)])
    assert torch.allclose(Projection(bank, 1e-4).infer_audio(sounds), nearest, atol=1e-4)
    mean = F.normalize(bank.mean(0), dim=0).expand(5, -1)
    assert torch.allclose(Projection(bank, 1e4).infer_audio(sounds), mean, atol=1e-3)


def test_several_go_in_turn() -> None:
    bank, sounds = rows(20), rows(5, seed=3)
    both = Bridges([Projection(bank, 0.1), Nearest(bank)])
    expected = Nearest(bank).infer_audio(Projection(bank, 0.1).infer_audio(sounds))
    assert torch.equal(both.infer_audio(sounds), expected)


@pytest.mark.parametrize(
    "wrong", [{"replacement": 2.0}, {"n_neighbours": 0}, {"noise": -1.0}, {"temperature": 0.0}]
)
def test_impossible_settings_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(EarShotError, match="Change that field"):
        GapBridgeConfig(**wrong)


def test_what_is_missing_is_a_sentence() -> None:
    with pytest.raises(EarShotError, match="an offset without sounds"):
        training_bridge(GapBridgeConfig(offset=True), rows(3), None)
    with pytest.raises(EarShotError, match="without a bank of texts"):
        inference_bridge(GapBridgeConfig(sounds="nearest"), None)
