from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.spatial_attention import SpatialAttention

SETTINGS = settings(deadline=None, derandomize=True, max_examples=25)


def places(batch: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(batch, n, 2, generator=torch.Generator().manual_seed(seed))


@SETTINGS
@given(n_waves=st.integers(1, 4), n=st.integers(1, 5), seed=st.integers(0, 50))
def test_weights_are_the_softmax_of_the_written_sum(n_waves: int, n: int, seed: int) -> None:
    """A slow loop over channels, sensors and waves, in double precision."""
    torch.manual_seed(seed)
    layer = SpatialAttention(3, n_waves).eval()
    where = places(2, n, seed)
    found = layer.weights(where)
    half = n_waves**2
    for row in range(2):
        for j in range(3):
            scores = []
            for x, y in where[row].double().tolist():
                total = 0.0
                for k in range(n_waves):
                    for m in range(n_waves):
                        angle = 2 * math.pi * (k * (x + 0.2) + m * (y + 0.2)) / 1.4
                        z = layer.heads[j].detach().double()
                        total += float(z[k * n_waves + m]) * math.cos(angle)
                        total += float(z[half + k * n_waves + m]) * math.sin(angle)
                scores.append(total)
            wanted = torch.tensor(scores).softmax(0)
            assert found[row, j].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)


def test_padding_and_the_order_of_sensors_change_nothing() -> None:
    torch.manual_seed(0)
    layer = SpatialAttention(5, 4).eval()
    brain, where = torch.randn(2, 4, 7), places(2, 4)
    alone = layer(brain, where)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(layer(brain[:, order], where[:, order]), alone)
    wide = torch.full((2, 6, 7), math.nan)
    wide[:, :4] = brain
    far = torch.full((2, 6, 2), math.nan)
    far[:, :4] = where
    padding = torch.arange(6).expand(2, 6) >= 4
    torch.testing.assert_close(layer(wide, far, padding), alone)


def test_sensors_of_one_place_share_their_weight() -> None:
    layer = SpatialAttention(2, 3).eval()
    here = torch.tensor([[[0.3, 0.6], [0.3, 0.6], [0.9, 0.1]]])
    weights = layer.weights(here)
    torch.testing.assert_close(weights[..., 0], weights[..., 1])
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2))


def test_dropout_takes_a_patch_the_same_for_the_batch_and_only_in_training() -> None:
    torch.manual_seed(0)
    grid = torch.stack(torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij"), -1) / 7
    where = grid.reshape(1, 64, 2).expand(3, -1, -1)
    layer = SpatialAttention(2, 3, dropout_radius=0.3).train()
    dropped = layer.weights(where)[:, 0] == 0  # [batch, sensors]
    assert torch.equal(dropped[0], dropped[1])
    assert 0 < int(dropped[0].sum()) < 32
    gone = where[0][dropped[0]]
    kept = where[0][~dropped[0]]
    assert torch.cdist(gone, gone).max() <= 0.6 + 1e-6  # one disc
    assert not torch.equal(dropped, layer.weights(where)[:, 0] == 0)  # another draw, another place
    assert len(kept)
    assert (layer.eval().weights(where) > 0).all()


@pytest.mark.parametrize("radius", [0.2, 5.0])
def test_dropout_never_leaves_a_row_without_sensors(radius: float) -> None:
    """One sensor, over and over; with the great radius no point spares it."""
    torch.manual_seed(0)
    layer = SpatialAttention(2, 2, dropout_radius=radius).train()
    for _ in range(50):
        assert torch.equal(layer.weights(torch.full((1, 1, 2), 0.5)), torch.ones(1, 2, 1))


def test_no_sensors_and_no_places_are_refused() -> None:
    layer = SpatialAttention(2, 2)
    with pytest.raises(EarShotError, match="without any sensor"):
        layer.weights(places(2, 3), torch.tensor([[False] * 3, [True] * 3]))
    with pytest.raises(EarShotError, match="positions of shape"):
        layer(torch.zeros(1, 3, 4), torch.zeros(1, 3, 3))


def test_the_published_size() -> None:
    with torch.device("meta"):
        layer = SpatialAttention(270, 32)
    assert layer.heads.shape == (270, 2_048)
