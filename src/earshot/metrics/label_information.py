"""How much labels that nobody named say about classes that somebody did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.finite import indices_below


@dataclass(frozen=True)
class LabelInformation:
    """What labels say, over all the positions that have one."""

    nats: float  # mutual information of label and class
    share: float  # of the classes' entropy: 0 to 1
    perplexity: float  # labels in use: the exponential of their entropy


def label_information(labels: ArrayLike, classes: ArrayLike, n_labels: int) -> LabelInformation:
    """Of labels [n] from 0 to n_labels - 1 and the classes [n], whole numbers from 0, beside them.

    Entropies are those of the counts with Miller's and Madow's correction, without which many
    labels over few positions seem to say more than they do; it is never below 0.
    """
    found = np.asarray(labels)
    known = np.asarray(classes)
    if found.ndim != 1 or not len(found) or known.shape != found.shape:
        raise EarShotError(
            got=f"labels {list(found.shape)} with classes {list(known.shape)}",
            expected="a class beside every label, and at least one",
            mend="Repeat a clip's class for each of its positions.",
        )
    found = indices_below("labels", found, n=len(found), below=n_labels)
    n_classes = int(known.max()) + 1
    known = indices_below("classes", known, n=len(found), below=n_classes)
    joint = np.bincount(found * n_classes + known, minlength=n_labels * n_classes)
    table = joint.reshape(n_labels, n_classes)
    of_label, of_class = _entropy(table.sum(1)), _entropy(table.sum(0))
    nats = max(0.0, of_label + of_class - _entropy(joint))
    share = min(1.0, nats / of_class) if of_class > 0 else 0.0
    return LabelInformation(nats, share, float(np.exp(_plain_entropy(table.sum(1)))))


def _entropy(counts: NDArray[np.int64]) -> float:
    """In nats, corrected: half a nat for each count but one, over how many were counted."""
    return _plain_entropy(counts) + (int((counts > 0).sum()) - 1) / (2 * int(counts.sum()))


def _plain_entropy(counts: NDArray[np.int64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
