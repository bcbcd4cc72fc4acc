"""How well labels fit a sound: by the model's scale, by examples, against the user's own sounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earshot.core.fingerprint import fingerprint
from earshot.jobs.background import OwnSounds, stands_out
from earshot.jobs.prompts import TEMPLATES, Prompts, check_labels, label_vectors
from earshot.jobs.sharpening import Sharpened, labels_of, read_examples, sharpen

if TYPE_CHECKING:
    from earshot.index.scores import Background
    from earshot.jobs.each_file import Failure
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class LabelScore:
    """A label with its probability among the labels given (they add up to 1), and its cosine.

    `z` and `false_alarm` say how the cosine compares with the user's own sounds, where an index
    of them is at hand.
    """

    label: str
    score: float
    cosine: float
    z: float | None = None  # spreads above the middle
    false_alarm: float | None = None  # chance that another sound scores this high with this label


@dataclass(frozen=True, eq=False)
class Judge:
    """Labels in a model's space, and what is known of their scores."""

    names: tuple[str, ...]
    vectors: NDArray[np.float32]  # [labels, dim]
    scale: float
    sharpened: Sharpened | None = None
    backgrounds: tuple[Background, ...] | None = None  # one a label
    abstain: bool = False
    failures: tuple[Failure, ...] = ()  # examples that could not be used

    def scores(self, sound: NDArray[np.float32]) -> tuple[LabelScore, ...]:
        """All labels of a unit vector [dim], best first."""
        cosines = self.vectors @ sound
        logits = None if self.sharpened is None else self.sharpened.logits(sound)
        found = score_labels(self.names, cosines, self.scale, logits)
        if self.backgrounds is None:
            return found
        known = dict(zip(self.names, self.backgrounds, strict=True))
        return tuple(
            LabelScore(
                each.label,
                each.score,
                each.cosine,
                known[each.label].z(each.cosine),
                known[each.label].false_alarm(each.cosine),
            )
            for each in found
        )

    def fingerprint(self, model: str) -> str:
        """16 hex digits of all that the scores depend on, beside the sound; `model` is its own."""
        import torch

        tables = {"vectors": self.vectors.astype(np.float64)}
        if self.sharpened is not None:
            tables |= {"sharpened": self.sharpened.vectors, "bias": self.sharpened.bias}
        tensors = {name: torch.from_numpy(table) for name, table in tables.items()}
        facts = {
            "model": model,
            "labels": self.names,
            "scale": self.scale,
            "abstain": self.abstain,
            "backgrounds": self.backgrounds is not None,
        }
        return fingerprint(facts, tensors)

    def best(self, scores: Sequence[LabelScore]) -> LabelScore | None:
        """The label to give; with `abstain` the best of those that stand out, or None."""
        if not self.abstain:
            return scores[0]
        n = len(scores)
        for each in scores:
            if each.false_alarm is not None and stands_out(each.false_alarm, n):
                return each
        return None


def make_judge(
    files: Iterable[str | Path],
    labels: Sequence[str] | None,
    embedder: Embedder,
    *,
    prompts: Prompts = TEMPLATES,
    index: str | Path | None = None,
    abstain: bool = False,
    examples: str | Path | None = None,
) -> Judge:
    """A judge of `labels`: sharpened by a manifest of examples, held against an index.

    With `abstain` the index nearest to `files` is taken where `index` names none.
    """
    sharpened, failures = None, ()
    if examples is None:
        names = check_labels(labels or ())
        vectors = label_vectors(names, embedder, prompts)
    else:
        found = read_examples(Path(examples), embedder)
        names, failures = labels_of(found, labels), found.failures
        vectors = label_vectors(names, embedder, prompts)
        sharpened = sharpen(found, names, vectors, embedder.scale)
    backgrounds = None
    if index is not None or abstain:
        backgrounds = OwnSounds.near(files, embedder, index).backgrounds(vectors)
    return Judge(tuple(names), vectors, embedder.scale, sharpened, backgrounds, abstain, failures)


def score_labels(
    labels: Sequence[str],
    cosines: NDArray[np.float32],
    scale: float,
    logits: NDArray[np.float64] | None = None,
) -> tuple[LabelScore, ...]:
    """Labels with the softmax of `scale` times their cosines, or of `logits`; best first.

    Equal ones keep their order.
    """
    logits = scale * cosines.astype(np.float64) if logits is None else logits
    weights = np.exp(logits - logits.max())
    chances = weights / weights.sum()
    order = np.argsort(-logits, kind="stable")
    return tuple(LabelScore(labels[i], float(chances[i]), float(cosines[i])) for i in order)
