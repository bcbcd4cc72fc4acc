"""Few shots: how well a few examples a label name the other sounds, with and without words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.jobs.prompts import TEMPLATES, Prompts, label_vectors, name_of_prompts
from earshot.metrics import Resampled

if TYPE_CHECKING:
    from earshot.jobs.evaluation.clips import HeardClips
    from earshot.models.embedder import Embedder

USUAL = (1, 2, 4, 8, 16)  # examples a label, as far as there are recordings
N_DRAWS = 100

Array = NDArray[np.float64]
Recordings = list[list[NDArray[np.int64]]]  # by label: the rows of each of its recordings


def measure_few_shot(
    heard: HeardClips,
    embedder: Embedder,
    *,
    examples: Sequence[int] | None = None,
    n_draws: int = N_DRAWS,
    prompts: Prompts = TEMPLATES,
    text_weight: float = 1.0,
    seed: int = 0,
) -> Evaluation:
    """Balanced accuracy of prototypes, over many draws of the examples.

    A label's prototype is the mean of its examples' vectors: one clip each of `examples` different
    recordings. It names all clips of the recordings that gave none. "with text" adds the label's
    text vector as if it were `text_weight` examples more; "text alone" is zero-shot on the same
    clips. Figures are means over the draws; intervals hold 95 % of the draws.
    """
    _check(heard, n_draws, text_weight)
    labels = sorted({clip.labels[0] for clip in heard.clips})
    recordings = _recordings(heard, labels)
    counts = _counts(heard, labels, recordings, examples)
    texts = label_vectors(labels, embedder, prompts).astype(np.float64)
    vectors = heard.sounds.astype(np.float64)
    target = np.array([labels.index(clip.labels[0]) for clip in heard.clips])
    draws: dict[str, list[float]] = defaultdict(list)
    for k in counts:
        for turn in range(n_draws):
            rng = generator(seed, turn, f"few-shot {k}")
            chosen, rest = _draw(recordings, k, rng)
            sums = vectors[chosen].sum(1)  # [labels, dim], of k unit vectors
            for name, prototypes in (
                (f"{k}-shot", sums),
                (f"{k}-shot with text", sums + text_weight * texts),
                (f"{k}-shot, text alone", texts),
            ):
                named = (vectors[rest] @ _unit(prototypes).T).argmax(1)
                draws[name].append(_balanced(named == target[rest], target[rest]))
    found = {name: np.array(values) for name, values in draws.items()}
    return evaluation_of(
        "few-shot",
        Resampled({name: float(values.mean()) for name, values in found.items()}, found),
        embedder,
        data=heard.name,
        n=len(heard.clips),
        items=heard.ids,
        details={
            "labels": labels,
            "examples": counts,
            "n_draws": n_draws,
            "text_weight": text_weight,
            "prompts": name_of_prompts(prompts),
        },
        failures=heard.failures,
    )


def _check(heard: HeardClips, n_draws: int, text_weight: float) -> None:
    if heard.several:
        raise EarShotError(
            got=f"{heard.name}, in which clips have several labels",
            expected="one label a clip",
            mend="Evaluate probe, which takes several.",
        )
    if n_draws < 1 or not 0 <= text_weight < float("inf"):
        raise EarShotError(
            got=f"n_draws={n_draws}, text_weight={text_weight:g}",
            expected="at least one draw, and a weight of 0 or more",
            mend="Leave them out: 100 draws, and text worth one example.",
        )


def _recordings(heard: HeardClips, labels: Sequence[str]) -> Recordings:
    """A recording belongs to the label of its first clip."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(heard.groups.tolist()):
        rows[group].append(row)
    found: Recordings = [[] for _ in labels]
    for members in rows.values():
        label = heard.clips[members[0]].labels[0]
        own = [row for row in members if heard.clips[row].labels[0] == label]
        found[labels.index(label)].append(np.array(own))
    return found


def _counts(
    heard: HeardClips, labels: Sequence[str], recordings: Recordings, asked: Sequence[int] | None
) -> list[int]:
    """Examples a label: those asked for, or the usual ones that leave a recording to be named."""
    n_least = min(len(each) for each in recordings)
    label = labels[[len(each) for each in recordings].index(n_least)]
    counts = [k for k in USUAL if k < n_least] if asked is None else sorted(set(asked))
    if len(labels) < 2 or not counts or counts[0] < 1 or counts[-1] >= n_least:
        largest = f"{counts[-1]} examples" if counts else "no example to spare"
        raise EarShotError(
            got=f"{heard.name} with {len(labels)} labels, of which {label!r} has {n_least} "
            f"recordings, for {largest}",
            expected="two labels or more, each with more recordings than examples",
            mend="Ask for fewer examples, or leave the rarest labels out of the data.",
        )
    return counts


def _draw(
    recordings: Recordings, k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the examples [labels, k], and of all clips of the other recordings."""
    chosen, rest = [], []
    for of_label in recordings:
        order = rng.permutation(len(of_label))
        chosen.append([int(rng.choice(of_label[i])) for i in order[:k]])
        rest += [of_label[i] for i in order[k:]]
    return np.array(chosen), np.concatenate(rest)


def _unit(rows: Array) -> Array:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _balanced(hits: NDArray[np.bool_], target: NDArray[np.int64]) -> float:
    sizes = np.bincount(target)
    return float((np.bincount(target, weights=hits)[sizes > 0] / sizes[sizes > 0]).mean())
