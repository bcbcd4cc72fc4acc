"""Rehearsal: a few clips of everything learnt before, chosen well and mixed into every batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import EarShotError
from earshot.data.batch import Batch
from earshot.data.loader import BatchLoader

Memory = dict[str, tuple[str, ...]]  # label -> ids of its clips, the most telling first


def herding(features: ArrayLike, n: int) -> NDArray[np.int64]:
    """Indices of up to `n` rows whose mean stays nearest to the mean of all, best prefix first.

    features [clips, dim], finite; each row is brought to unit length first. Every prefix of the
    answer is a good choice of its size, so that a memory is cut by dropping from the end.
    Source: arXiv:1611.07725 (iCaRL), Algorithm 4.
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise EarShotError(
            got=f"features of shape {list(rows.shape)}, or with values that are not finite",
            expected="finite numbers [clips, dim]",
            mend="Lower the learning rate if the model diverged.",
        )
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    mean, total = rows.mean(0), np.zeros(rows.shape[1])
    free, chosen = np.ones(len(rows), bool), []
    for count in range(1, min(n, len(rows)) + 1):
        distance = np.linalg.norm(mean - (total + rows) / count, axis=1)
        best = int(np.where(free, distance, np.inf).argmin())
        chosen.append(best)
        free[best] = False
        total += rows[best]
    return np.asarray(chosen, np.int64)


def quotas(size: int, available: Sequence[int]) -> list[int]:
    """How many of each label's available clips a memory of `size` clips takes, all alike.

    Places that do not divide evenly, and those that a label cannot fill, go to the first labels
    that can.
    """
    taken = [0] * len(available)
    left = min(size, sum(available))
    while left:
        for label, most in enumerate(available):
            if left and taken[label] < most:
                taken[label] += 1
                left -= 1
    return taken


def refill(memory: Memory, ranked: Mapping[str, Sequence[str]], size: int) -> Memory:
    """The memory after a task: its new labels' `ranked` clips come in, and old labels give way.

    ranked: label -> ids, best first, at least `size` of them or all there are. The whole holds
    `size` clips, or all there are. Clips that an old label lost do not come back: they are gone.
    """
    everything = {**memory, **{label: tuple(ids) for label, ids in ranked.items()}}
    shares = quotas(size, [len(ids) for ids in everything.values()])
    return {
        label: ids[:share]
        for (label, ids), share in zip(everything.items(), shares, strict=True)
        if share
    }


def rehearsed(new: BatchLoader, old: BatchLoader | None) -> Callable[[int], Iterator[Batch]]:
    """Batches of `new` with as many rows of `old` behind them, from any step on, without end.

    Both depend on their seeds and the step alone, and so do the batches. Without `old` they are
    those of `new`.
    """
    if old is None:
        return new.batches

    def batches(start_step: int = 0) -> Iterator[Batch]:
        sources = new.batches(start_step), old.batches(start_step)
        try:
            for pair in zip(*sources, strict=True):
                yield joined(pair)
        finally:
            for source in sources:
                source.close()  # type: ignore[attr-defined]  # generators: end their threads

    return batches


def at_least(clips: Sequence, n: int) -> list:
    """`clips`, over and over until there are `n`: a small memory still fills its rows."""
    return [*clips] * math.ceil(n / len(clips))


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of several batches of one set as one batch, padded to the longest."""
    width = max(batch.waveform.shape[1] for batch in batches)
    padded = [F.pad(batch.waveform, (0, width - batch.waveform.shape[1])) for batch in batches]
    targets = [batch.target for batch in batches if batch.target is not None]
    hot = [batch.labels_hot for batch in batches if batch.labels_hot is not None]
    return Batch(
        waveform=torch.cat(padded),  # [rows, samples]
        n_samples=torch.cat([batch.n_samples for batch in batches]),
        captions=list(chain.from_iterable(batch.captions for batch in batches)),
        all_captions=list(chain.from_iterable(batch.all_captions for batch in batches)),
        target=torch.cat(targets) if len(targets) == len(batches) else None,
        labels_hot=torch.cat(hot) if len(hot) == len(batches) else None,
        clips=list(chain.from_iterable(batch.clips for batch in batches)),
    )
