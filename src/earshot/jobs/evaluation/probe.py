"""Linear probe: what a straight line can read out of a model's vectors of sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.jobs.evaluation.clips import HeardClips
from earshot.jobs.evaluation.naming import naming_figures, truth_of
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.jobs.evaluation.turns import Rows, drawn_folds, turns_of
from earshot.training.logistic import LinearMap, fit_linear, mean_log_loss

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

PENALTIES = (1e4, 1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2)  # from hardly learning to hardly held back
N_INNER = 3  # folds of the training clips, on which the penalty is chosen

Array = NDArray[np.float64]


def measure_probe(
    heard: HeardClips, embedder: Embedder, *, n_folds: int | None = None, seed: int = 0
) -> Evaluation:
    """Accuracy and its like of logistic regression on frozen vectors; mAP and AUC of several.

    Trained and tested on different recordings (`turns_of` says on which). The penalty of each turn
    is the one of the least log loss on inner folds of its training clips: test clips choose
    nothing, nor do they shape the standardisation.
    """
    labels = sorted({label for clip in heard.clips for label in clip.labels})
    if len(labels) < 2:
        raise EarShotError(
            got=f"{heard.name} with the label {labels[0]!r} alone",
            expected="two labels or more",
            mend="Add clips of another label.",
        )
    own = [clip.labels for clip in heard.clips]
    target = truth_of(own, labels)
    vectors = heard.sounds.astype(np.float64)
    how, turns = turns_of(heard, n_folds, seed)
    logits = np.full(target.shape, np.nan)
    penalties: dict[str, float] = {}
    for turn in turns:
        penalty = choose_penalty(heard, vectors, target, turn.train, seed)
        probe = fit_linear(vectors[turn.train], target[turn.train], penalty, several=heard.several)
        logits[turn.test] = probe.scores(vectors[turn.test])
        penalties[turn.name] = penalty
    rows = np.flatnonzero(np.isfinite(logits).all(1))
    tested = [heard.clips[row] for row in rows]
    found, details = naming_figures(
        logits[rows], [own[row] for row in rows], labels, heard.groups[rows], several=heard.several
    )
    return evaluation_of(
        "probe",
        found,
        embedder,
        data=heard.name,
        n=len(rows),
        items=[clip.id for clip in tested],
        details={**details, **_protocol(how, penalties, target, turns)},
        failures=heard.failures,
    )


def choose_penalty(
    heard: HeardClips, vectors: Array, target: Array, train: Rows, seed: int = 0
) -> float:
    """The penalty of the least log loss on inner folds of the training rows; of equals the largest.

    A single training recording leaves nothing to choose by: then 1, scikit-learn's default.
    """
    if len(set(heard.groups[train])) < 2:
        return 1.0
    folds = np.array(drawn_folds([heard.clips[row] for row in train], N_INNER, seed))
    losses = np.zeros(len(PENALTIES))
    for fold in sorted(set(folds)):
        learnt, held_out = train[folds != fold], train[folds == fold]
        probe: LinearMap | None = None
        for i, penalty in enumerate(PENALTIES):
            probe = fit_linear(
                vectors[learnt], target[learnt], penalty, several=heard.several, start=probe
            )
            loss = mean_log_loss(
                probe.scores(vectors[held_out]), target[held_out], several=heard.several
            )
            losses[i] += loss * len(held_out)
    return PENALTIES[int(losses.argmin())]


def _protocol(
    how: str, penalties: dict[str, float], target: Array, turns: list[Any]
) -> dict[str, Any]:
    """How it was measured, for the reader; clips of labels that no training clip had count."""
    unknown = sum(
        int((target[turn.test][:, target[turn.train].sum(0) == 0].sum(1) > 0).sum())
        for turn in turns
    )
    return {"parted_by": how, "penalties": penalties, "n_of_labels_not_in_training": unknown}
