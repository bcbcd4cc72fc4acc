"""Evaluate a model on labelled or captioned sounds, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from earshot.core.errors import unknown_name
from earshot.jobs.each_file import Pace
from earshot.jobs.evaluation.clips import (
    candidate_labels,
    clips_with,
    embed_clips,
    hear,
    open_set,
)
from earshot.jobs.evaluation.result import Difference, Evaluation, differences
from earshot.jobs.loading import as_embedder
from earshot.jobs.prompts import TEMPLATES, Prompts

if TYPE_CHECKING:
    from earshot.data import ClipSet
    from earshot.models.embedder import Embedder

__all__ = ["TASKS", "Difference", "Evaluation", "differences", "embed_clips", "evaluate"]

TASKS = ("zero-shot", "retrieval", "probe", "few-shot")


def evaluate(
    task: Literal["zero-shot", "retrieval", "probe", "few-shot"],
    data: str | Path | ClipSet,
    *,
    model: str | Path | Embedder = "earshot-small",
    labels: Sequence[str] | None = None,
    prompts: Prompts = TEMPLATES,
    split: str | None = None,
    folds: int | None = None,
    examples: Sequence[int] | None = None,
    draws: int = 100,
    text_weight: float = 1.0,
    seed: int = 0,
    pace: Pace | None = None,
) -> Evaluation:
    """The figures of `model` on `data`, a manifest or folder that `earshot data check` accepts.

    zero-shot: clips have labels; `labels` lists those to choose from (those of the data when left
    out), `prompts` how to say them: templates, or a bank's. Figures: accuracy, top-5, balanced
    accuracy; mAP and AUC where clips have several labels.
    retrieval: clips have captions, which are queries and answers both ways: R@1, R@5, R@10, median
    rank, MRR, mAP@10, nDCG@10.
    probe: logistic regression on the sounds' vectors, the figures of zero-shot; `folds` are drawn
    where given, else the data's own folds or splits are taken.
    few-shot: prototypes of `examples` sounds a label, over `draws` of them, with and without a text
    that is worth `text_weight` examples.

    Rows that cannot be used and sounds that cannot be read are listed in `failures`, never guessed:
    the figures are of the `n` others.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    embedder = as_embedder(model)
    clips = open_set(data, split)
    kept = clips_with(clips, "captions" if task == "retrieval" else "labels")
    names = candidate_labels(kept, labels)  # before the work: a label may be misspelt
    if pace is not None:
        pace.start()
    heard = hear(clips, kept, embedder, pace)
    if task == "zero-shot":
        from earshot.jobs.evaluation.zero_shot import measure_zero_shot

        return measure_zero_shot(heard, embedder, names, prompts)
    if task == "retrieval":
        from earshot.jobs.evaluation.retrieval import measure_retrieval

        return measure_retrieval(heard, embedder)
    if task == "probe":
        from earshot.jobs.evaluation.probe import measure_probe

        return measure_probe(heard, embedder, n_folds=folds, seed=seed)
    from earshot.jobs.evaluation.few_shot import measure_few_shot

    return measure_few_shot(
        heard,
        embedder,
        examples=examples,
        n_draws=draws,
        prompts=prompts,
        text_weight=text_weight,
        seed=seed,
    )
