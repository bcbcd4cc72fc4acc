"""Tag sounds: how well each of a list of labels fits, by the model's own scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earshot.engines import Engine, embed_each, file_task
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.jobs.loading import as_embedder
from earshot.jobs.prompts import TEMPLATES, check_labels, label_vectors

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class LabelScore:
    """A label with its probability among the labels given (they add up to 1), and its cosine."""

    label: str
    score: float
    cosine: float


@dataclass(frozen=True)
class Tagged:
    """A sound with all labels, best first; `label` and `score` are the best one's."""

    path: Path | str
    label: str
    score: float
    labels: tuple[LabelScore, ...]
    duration_s: float


def tag(
    files: str | Path | Iterable[str | Path],
    *,
    labels: Sequence[str] | None = None,
    model: str | Path | Embedder = "earshot-small",
    prompts: Sequence[str] = TEMPLATES,
    engine: Engine = embed_each,
) -> Answers[Tagged]:
    """The labels of each sound, best first. Folders are walked; `failures` lists what failed.

    labels: any words for sounds; a vocabulary of everyday sounds when left out. `score` is the
    softmax over the labels of the model's scale times the cosine, so it depends on which labels are
    given. A sound longer than the model's window is tagged by the mean of its windows.
    """
    answers: Answers[Tagged] = Answers()
    for answer in tag_each(files, labels=labels, model=model, prompts=prompts, engine=engine):
        if isinstance(answer, Failure):
            answers.failures.append(answer)
        else:
            answers.append(answer)
    return answers


def tag_each(
    files: str | Path | Iterable[str | Path],
    *,
    labels: Sequence[str] | None = None,
    model: str | Path | Embedder = "earshot-small",
    prompts: Sequence[str] = TEMPLATES,
    pace: Pace | None = None,
    engine: Engine = embed_each,
) -> Iterator[Tagged | Failure]:
    """As `tag`, one answer at a time as they are ready, in the order of the files."""
    names = check_labels(vocabulary() if labels is None else labels)
    embedder = as_embedder(model)
    vectors = label_vectors(names, embedder, prompts)
    if pace is not None:
        pace.start()
    paths = find_sounds([files] if isinstance(files, str | Path) else files)
    for done in engine((file_task(path, embedder) for path in paths), embedder):
        if done.embedding is None:
            yield Failure(done.key, done.error)
            continue
        duration_s = float(done.embedding.end_s[-1])
        if pace is not None:
            pace.add(duration_s)
        scores = score_labels(names, vectors @ done.embedding.mean, embedder.scale)
        yield Tagged(done.key, scores[0].label, scores[0].score, scores, duration_s)


def score_labels(
    labels: Sequence[str], cosines: np.ndarray, scale: float
) -> tuple[LabelScore, ...]:
    """Labels with the softmax of `scale` times their cosines, best first, equal ones in order."""
    logits = scale * cosines.astype(np.float64)
    weights = np.exp(logits - logits.max())
    chances = weights / weights.sum()
    order = np.argsort(-cosines, kind="stable")
    return tuple(LabelScore(labels[i], float(chances[i]), float(cosines[i])) for i in order)


@cache
def vocabulary() -> tuple[str, ...]:
    """The everyday sounds that are tried when no labels are given."""
    text = resources.files("earshot.jobs").joinpath("vocabulary.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
