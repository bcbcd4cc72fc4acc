"""What frozen vectors are worth: a linear probe, the nearest neighbours, a linear forecast.

Vectors of one layer make a convex problem, solved to its one answer; where several layers are to
be weighed against each other, training/layer_probe.py trains a probe step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.training.logistic import LinearMap, fit_linear

Array = NDArray[np.float64]
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)  # of squared weights, on sums over clips
ALPHAS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)  # arXiv:2106.10466, its code


@dataclass(frozen=True)
class Labelled:
    """Vectors [n, dim] with their classes [n]."""

    vectors: Array
    target: NDArray[np.int64]


def probe_figures(train: Labelled, test: Labelled, seed: int) -> dict[str, float]:
    """Accuracy on the test vectors of softmax regression and of the five nearest neighbours.

    The penalty is chosen on a fifth of the training vectors, never on the test's.
    """
    n_classes = int(max(train.target.max(), test.target.max())) + 1
    if len(np.unique(train.target)) < 2:
        raise EarShotError(
            got="training vectors of one class",
            expected="at least two",
            mend="Label the clips, or split them otherwise.",
        )
    order = generator(seed, "probe").permutation(len(train.target))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    hot = np.eye(n_classes)[train.target]
    scores = []
    for penalty in PENALTIES:
        probe = fit_linear(train.vectors[kept], hot[kept], penalty)
        scores.append(_accuracy(probe, train.vectors[held], train.target[held]))
    penalty = PENALTIES[int(np.argmax(scores))] if len(held) else 1.0
    probe = fit_linear(train.vectors, hot, penalty)
    return {
        "probe_accuracy": _accuracy(probe, test.vectors, test.target),
        "knn_accuracy": nearest_accuracy(train, test),
    }


def nearest_accuracy(train: Labelled, test: Labelled, n_nearest: int = 5) -> float:
    """How often the nearest training vectors by cosine, most of them, are of the right class.

    Among classes of equally many the one with the larger sum of cosines wins.
    """
    rows, queries = _unit(train.vectors), _unit(test.vectors)
    cosines = queries @ rows.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :n_nearest]
    votes = np.zeros((len(queries), int(train.target.max()) + 1))
    for place in nearest.T:
        at = np.arange(len(queries)), train.target[place]
        votes[at] += 1 + 1e-3 * cosines[np.arange(len(queries)), place]
    return float((votes.argmax(1) == test.target).mean())


def forecast_errors(
    vectors: Array, values: Array, horizons: Sequence[int], parts: tuple[int, int]
) -> dict[int, float]:
    """Mean squared error of ridge regression from each step's vector to the next values.

    vectors [steps, dim]; values [steps], standardised; the first `parts[0]` steps train, those to
    `parts[1]` choose the ridge's alpha, the rest test. A horizon of L forecasts the next L values.
    Source: arXiv:2106.10466, B.2; alpha by RMSE plus MAE on the validation part.
    """
    errors = {}
    for horizon in horizons:
        last = len(values) - horizon
        future = np.stack([values[i + 1 : i + 1 + last] for i in range(horizon)], axis=1)
        ranges = ((0, parts[0] - horizon), (parts[0], parts[1] - horizon), (parts[1], last))
        if min(end - begin for begin, end in ranges) < 2:
            raise EarShotError(
                got=f"a horizon of {horizon} for parts {parts} of {len(values)} steps",
                expected="every part to be longer than the horizon",
                mend="Make the series longer.",
            )
        train, validation, test = ((vectors[begin:end], future[begin:end]) for begin, end in ranges)
        best = min(ALPHAS, key=lambda alpha: _misfit(_ridge(*train, alpha), *validation))
        predicted = _ridge(*train, best).scores(test[0])
        errors[horizon] = float(((predicted - test[1]) ** 2).mean())
    return errors


def _ridge(vectors: Array, values: Array, alpha: float) -> LinearMap:
    mean, spread = vectors.mean(0), vectors.std(0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    rows, middle = (vectors - mean) / spread, values.mean(0)
    square = rows.T @ rows + alpha * np.eye(rows.shape[1])
    weights = np.linalg.solve(square, rows.T @ (values - middle))
    return LinearMap(mean, spread, weights, middle)


def _misfit(forecast: LinearMap, vectors: Array, values: Array) -> float:
    off = forecast.scores(vectors) - values
    return float(np.sqrt((off**2).mean()) + np.abs(off).mean())


def _accuracy(probe: LinearMap, vectors: Array, target: NDArray[np.int64]) -> float:
    return float((probe.scores(vectors).argmax(1) == target).mean()) if len(target) else 0.0


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
