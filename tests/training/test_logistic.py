from __future__ import annotations

import numpy as np
import pytest

from earshot.training.logistic import fit_linear, mean_log_loss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)) * [1, 2, 3, 0.5, 1] + 4
SUM = X[:, 0] + X[:, 1] + RNG.normal(size=60)
CLASS = np.digitize(SUM, np.quantile(SUM, [0.3, 0.7]))
ONE_HOT = np.eye(3)[CLASS]


@pytest.mark.parametrize("penalty", [10.0, 1.0, 0.1])
def test_it_is_scikit_learns_regression(penalty: float) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="pip install earshot[report]")
    probe = fit_linear(X, ONE_HOT, penalty)
    reference = linear_model.LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=2000)
    reference.fit((X - X.mean(0)) / X.std(0), CLASS)
    assert np.abs(probe.weights.T - reference.coef_).max() < 2e-3
    ours = np.exp(probe.scores(X))
    shares = reference.predict_proba((X - X.mean(0)) / X.std(0))
    assert ours / ours.sum(1, keepdims=True) == pytest.approx(shares, abs=1e-3)


def test_several_labels_are_a_regression_each() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="pip install earshot[report]")
    target = np.stack([CLASS == 1, CLASS >= 1], axis=1).astype(float)
    probe = fit_linear(X, target, 1.0, several=True)
    for label in range(2):
        reference = linear_model.LogisticRegression(C=1.0, tol=1e-8, max_iter=2000)
        reference.fit((X - X.mean(0)) / X.std(0), target[:, label])
        assert probe.weights[:, label] == pytest.approx(reference.coef_[0], abs=2e-3)


def test_where_the_search_begins_changes_nothing() -> None:
    cold = fit_linear(X, ONE_HOT, 1.0)
    warm = fit_linear(X, ONE_HOT, 1.0, start=fit_linear(X, ONE_HOT, 100.0))
    assert warm.scores(X) == pytest.approx(cold.scores(X), abs=0.02)


def test_the_penalty_holds_back() -> None:
    sizes = [np.abs(fit_linear(X, ONE_HOT, each).weights).sum() for each in (1e4, 1e2, 1.0)]
    assert sizes == sorted(sizes)
    assert mean_log_loss(fit_linear(X, ONE_HOT, 1e8).scores(X), ONE_HOT) == pytest.approx(
        -(ONE_HOT.mean(0) * np.log(ONE_HOT.mean(0))).sum(), abs=1e-3
    )  # nothing but the bias: the entropy of the labels


def test_a_number_that_is_the_same_in_all_vectors_does_no_harm() -> None:
    constant = np.concatenate([X, np.ones((60, 1))], axis=1)
    assert np.isfinite(fit_linear(constant, ONE_HOT, 1.0).scores(constant)).all()
