"""A few labelled sounds sharpen the labels: the model's own label vectors, moved a little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError, unknown_name
from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Failure
from earshot.jobs.prompts import check_labels

if TYPE_CHECKING:
    from earshot.data import Clip, ClipSet
    from earshot.models.embedder import Embedder

PENALTIES = (1e4, 1e3, 1e2, 1e1, 1.0)  # on what is moved, from hardly at all to freely
N_FOLDS = 5
LEAST = 2  # examples; of fewer nothing can be held out


@dataclass(frozen=True, eq=False)
class Sharpened:
    """logits = vectors @ sound + bias; figures are cross-validated, before and after."""

    vectors: NDArray[np.float64]  # [labels, dim]
    bias: NDArray[np.float64]  # [labels]
    penalty: float | None  # None: no setting did better than the model as it is
    n_examples: int
    accuracy_before: float
    accuracy_after: float
    log_loss_before: float
    log_loss_after: float

    def logits(self, sounds: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of sounds [..., dim] -> [..., labels]."""
        return sounds @ self.vectors.T + self.bias

    def __str__(self) -> str:
        if self.penalty is None:
            return (
                f"{self.n_examples} examples do not sharpen the labels (cross-validated accuracy "
                f"{self.accuracy_before:.2f}): the model is used as it is"
            )
        return (
            f"{self.n_examples} examples sharpen the labels: cross-validated accuracy "
            f"{self.accuracy_before:.2f} -> {self.accuracy_after:.2f}, log loss "
            f"{self.log_loss_before:.2f} -> {self.log_loss_after:.2f}"
        )


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled sounds as vectors; `failures` are those that could not be used."""

    sounds: NDArray[np.float32]  # [n, dim]
    labels: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]  # those of one recording are held out together
    failures: tuple[Failure, ...]


def read_examples(source: Path, embedder: Embedder) -> Examples:
    """Embed the clips of a manifest that have labels."""
    from earshot.data import open_clips
    from earshot.jobs.evaluation.clips import embed_clips

    clips: ClipSet = open_clips(source, on_fault="skip")
    found, unread = embed_clips([clip for clip in clips if clip.labels], embedder)
    if len(found) < LEAST:
        raise EarShotError(
            got=f"{source} with {len(found)} labelled sounds that can be used",
            expected=f"{LEAST} or more, with columns path and label",
            mend="Label a few sounds of each kind.",
        )
    return Examples(
        np.stack([vector for _, vector in found]),
        tuple(clip.labels for clip, _ in found),
        tuple(_group(clip, i) for i, (clip, _) in enumerate(found)),
        (*row_failures(clips), *unread),
    )


def labels_of(examples: Examples, given: Sequence[str] | None) -> list[str]:
    """The labels given, among which those of the examples must be; or the examples' own."""
    own = sorted({label for labels in examples.labels for label in labels})
    names = check_labels(own if given is None else given)
    for label in own:
        if label not in names:
            raise unknown_name(
                "label of the examples", label, names, mend="Add it to --labels, or leave them out."
            )
    return names


def sharpen(
    examples: Examples, names: Sequence[str], label_vectors: NDArray[np.float32], scale: float
) -> Sharpened:
    """The labels moved by the examples, as far as cross-validation says that it helps.

    logits = (temperature * label_vectors + delta) @ sound + bias, by the log loss with a penalty on
    delta, bias and the temperature's change: no examples leave the model as it is. The penalty is
    the one of the least log loss on held-out examples, of which a recording's stay together.
    """
    sounds = examples.sounds.astype(np.float64)
    prior = scale * label_vectors.astype(np.float64)
    target = np.zeros((len(sounds), len(names)))
    place = {name: i for i, name in enumerate(names)}
    for row, labels in enumerate(examples.labels):
        target[row, [place[label] for label in labels]] = 1 / len(labels)
    before = sounds @ prior.T
    held_out = {None: before} | {
        penalty: _held_out(sounds, target, prior, examples, penalty) for penalty in PENALTIES
    }
    losses = {penalty: log_loss(logits, target) for penalty, logits in held_out.items()}
    best = min(losses, key=lambda penalty: losses[penalty])  # of equal ones the least change
    vectors, bias = prior, np.zeros(len(names))
    if best is not None:
        vectors, bias = _fit(sounds, target, prior, best)
    return Sharpened(
        vectors,
        bias,
        best,
        len(sounds),
        _accuracy(before, target),
        _accuracy(held_out[best], target),
        losses[None],
        losses[best],
    )


def log_loss(logits: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Mean nats per sound."""
    return float(-(target * _log_softmax(logits)).sum(1).mean())


def folds(labels: Sequence[tuple[str, ...]], groups: Sequence[str]) -> NDArray[np.int64]:
    """A fold for each example [n]: groups stay whole, and each label is spread over the folds."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    n_folds = min(N_FOLDS, len(members))
    fold = np.zeros(len(groups), dtype=np.int64)
    next_fold: dict[str, int] = {}
    for group in sorted(members, key=lambda g: (labels[members[g][0]], g)):
        first = labels[members[group][0]][0]
        turn = next_fold.setdefault(first, len(next_fold) % n_folds)
        fold[members[group]] = turn
        next_fold[first] = (turn + 1) % n_folds
    return fold


def _held_out(
    sounds: NDArray[np.float64],
    target: NDArray[np.float64],
    prior: NDArray[np.float64],
    examples: Examples,
    penalty: float,
) -> NDArray[np.float64]:
    """Logits of every example by a fit that did not see it, nor others of its recording."""
    fold = folds(examples.labels, examples.groups)
    logits = sounds @ prior.T
    if fold.max() == 0:  # a single recording: nothing is left to learn from
        return logits
    for turn in range(int(fold.max()) + 1):
        out = fold == turn
        vectors, bias = _fit(sounds[~out], target[~out], prior, penalty)
        logits[out] = sounds[out] @ vectors.T + bias
    return logits


def _fit(
    sounds: NDArray[np.float64],
    target: NDArray[np.float64],
    prior: NDArray[np.float64],
    penalty: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors and bias of the least penalised log loss: a convex problem, one answer."""
    from scipy.optimize import minimize

    n_labels, dim = prior.shape
    own = sounds @ prior.T  # [n, labels]
    scale_of_prior = float(np.linalg.norm(prior, axis=1).mean()) or 1.0
    weight = penalty / scale_of_prior**2  # of delta, in the prior's own units

    def parts(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        return float(x[0]), x[1 : 1 + n_labels], x[1 + n_labels :].reshape(n_labels, dim)

    def objective(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        change, bias, delta = parts(x)
        logits = (1 + change) * own + sounds @ delta.T + bias
        off = np.exp(_log_softmax(logits)) - target  # [n, labels]
        loss = -(target * _log_softmax(logits)).sum()
        loss += 0.5 * (change**2 + weight * (bias @ bias + (delta**2).sum()))
        gradient = (
            np.array([(off * own).sum() + change]),
            off.sum(0) + weight * bias,
            (off.T @ sounds + weight * delta).ravel(),
        )
        return loss, np.concatenate(gradient)

    start = np.zeros(1 + n_labels + n_labels * dim)
    bounds = [(-1.0, None)] + [(None, None)] * (len(start) - 1)  # a temperature below 0 inverts
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    change, bias, delta = parts(found.x)
    return (1 + change) * prior + delta, bias


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result


def _accuracy(logits: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float((target[np.arange(len(target)), logits.argmax(1)] > 0).mean())


def _group(clip: Clip, i: int) -> str:
    return clip.group or str(clip.audio if isinstance(clip.audio, Path) else clip.id or i)
