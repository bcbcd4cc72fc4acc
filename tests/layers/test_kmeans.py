from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.kmeans import kmeans, nearest_centroid


def blobs(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(5, 3, generator=draw) * 10
    points = centres[:, None] + torch.randn(5, n, 3, generator=draw) * 0.1
    return centres, points.flatten(0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_clusters_that_are_there(seed: int) -> None:
    centres, points = blobs()
    found = kmeans(points, 5, seed=seed)
    assert torch.cdist(centres, found).min(1).values.max() < 0.1
    labels = nearest_centroid(points.view(5, 40, 3), found)
    assert (labels == labels[:, :1]).all()
    assert len(labels[:, 0].unique()) == 5


def test_it_stops_where_each_centroid_is_the_mean_of_its_own() -> None:
    points = torch.randn(300, 4, generator=torch.Generator().manual_seed(1))
    found = kmeans(points, 8, seed=0, n_rounds=200)
    owner = nearest_centroid(points, found)
    for i in range(8):
        assert torch.allclose(points[owner == i].mean(0), found[i], atol=1e-5)


def test_a_seed_gives_the_same_and_no_cluster_is_empty() -> None:
    points = torch.cat([torch.zeros(50, 2), torch.randn(12, 2)])
    one, two = (kmeans(points, 10, seed=3) for _ in range(2))
    assert torch.equal(one, two)
    assert len(nearest_centroid(points, one).unique()) == 10


def test_more_clusters_than_vectors_are_refused() -> None:
    with pytest.raises(EarShotError, match="fewer clusters"):
        kmeans(torch.zeros(3, 2), 4, seed=0)
