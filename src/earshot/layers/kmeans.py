"""Clusters of vectors, found again from the same seed."""

from __future__ import annotations

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


def kmeans(vectors: Tensor, n_clusters: int, *, seed: int, n_rounds: int = 30) -> Tensor:
    """Centroids [n_clusters, dim] of vectors [n, dim]: k-means++, then rounds of Lloyd's.

    A cluster that is left empty starts anew at the vector farthest from its own centroid, so that
    few vectors do not leave centroids without any. Float32.
    """
    check_shape("vectors", vectors, ("n", "dim"), mend="Put the positions of all clips in rows.")
    if not 1 <= n_clusters <= len(vectors):
        raise EarShotError(
            got=f"{n_clusters} clusters of {len(vectors)} vectors",
            expected="at least one cluster, and a vector for each",
            mend="Take more clips, or fewer clusters.",
        )
    vectors = vectors.float()
    draw = torch.Generator().manual_seed(seed)
    first = int(torch.randint(len(vectors), (), generator=draw))
    chosen, away = [first], _distance(vectors, vectors[first : first + 1])[:, 0]
    while len(chosen) < n_clusters:
        weights = away.cpu().double() + 1e-12  # all alike where every vector has been chosen
        chosen.append(int(torch.multinomial(weights, 1, generator=draw)))
        away = torch.minimum(away, _distance(vectors, vectors[chosen[-1:]])[:, 0])
    centroids = vectors[chosen].clone()
    for _ in range(n_rounds):
        distance, owner = _distance(vectors, centroids).min(1)
        counts = torch.bincount(owner, minlength=n_clusters)
        sums = torch.zeros_like(centroids).index_add_(0, owner, vectors)
        moved = sums / counts.clamp(min=1)[:, None]
        empty = (counts == 0).nonzero()[:, 0]
        if len(empty):
            moved[empty] = vectors[distance.topk(len(empty)).indices]
        if torch.equal(moved, centroids):
            break
        centroids = moved
    return centroids


def nearest_centroid(vectors: Tensor, centroids: Tensor) -> Tensor:
    """Index [...] of the centroid nearest to each of vectors [..., dim]."""
    return _distance(vectors.flatten(0, -2), centroids).argmin(1).view(vectors.shape[:-1])


def _distance(vectors: Tensor, centroids: Tensor) -> Tensor:
    """Squared, [n, n_clusters]."""
    with torch.autocast(vectors.device.type, enabled=False):
        square = vectors.square().sum(1, keepdim=True) + centroids.square().sum(1)
        return (square - 2 * vectors.float() @ centroids.T).clamp(min=0)
