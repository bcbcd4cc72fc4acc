"""Logistic regression on vectors: one convex problem, solved to its one answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearMap:
    """scores = ((x - mean) / spread) @ weights + bias, by numbers learnt on training clips."""

    mean: Array  # [dim]
    spread: Array  # [dim]
    weights: Array  # [dim, n]
    bias: Array  # [n]

    def scores(self, vectors: Array) -> Array:
        """Of vectors [clips, dim] -> [clips, n]: logits of n labels, or n forecasts."""
        return (vectors - self.mean) / self.spread @ self.weights + self.bias


def fit_linear(
    vectors: Array,
    target: Array,
    penalty: float,
    *,
    several: bool = False,
    start: LinearMap | None = None,
) -> LinearMap:
    """The least log loss plus penalty / 2 times the squared weights; the bias is free.

    vectors [n, dim], standardised by their own mean and spread; target [n, labels] of 0 and 1. One
    softmax over the labels, or with `several` labels a clip a sigmoid for each. penalty is 1 / C of
    scikit-learn's LogisticRegression. `start` is where the search begins: the answer is the same.
    """
    from scipy.optimize import minimize

    mean, spread = vectors.mean(0), vectors.std(0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    x = (vectors - mean) / spread
    dim, n_labels = x.shape[1], target.shape[1]

    def objective(flat: Array) -> tuple[float, Array]:
        weights, bias = flat[n_labels:].reshape(dim, n_labels), flat[:n_labels]
        loss, off = _loss(x @ weights + bias, target, several)
        loss += 0.5 * penalty * float((weights**2).sum())
        return loss, np.concatenate([off.sum(0), (x.T @ off + penalty * weights).ravel()])

    first = np.zeros(n_labels * (dim + 1))
    if start is not None:
        first = np.concatenate([start.bias, start.weights.ravel()])
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return LinearMap(mean, spread, found.x[n_labels:].reshape(dim, n_labels), found.x[:n_labels])


def mean_log_loss(logits: Array, target: Array, *, several: bool = False) -> float:
    """Nats per clip: lower is better."""
    return _loss(logits, target, several)[0] / len(target)


def _loss(logits: Array, target: Array, several: bool) -> tuple[float, Array]:
    """The summed log loss, and its derivative by the logits."""
    if several:
        loss = np.logaddexp(0.0, logits) - target * logits
        return float(loss.sum()), 0.5 * (1.0 + np.tanh(0.5 * logits)) - target
    shifted = logits - logits.max(1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-(target * log_share).sum()), np.exp(log_share) - target
