"""Evaluate a model on labelled or captioned sounds, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from earshot import metrics
from earshot.core.errors import EarShotError, unknown_name
from earshot.engines import Task, embed_each
from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.loading import as_embedder
from earshot.jobs.prompts import (
    TEMPLATES,
    Prompts,
    check_labels,
    label_vectors,
    name_of_prompts,
)

if TYPE_CHECKING:
    from earshot.audio import Window
    from earshot.data import Clip, ClipSet
    from earshot.models.embedder import Embedder

TASKS = ("zero-shot", "retrieval")


@dataclass(frozen=True)
class Evaluation:
    """One object of figures: `metrics` by name, `intervals` of 95 % for some of them."""

    task: str
    n: int  # sounds that were scored
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    model: str
    fingerprint: str
    data: str
    details: dict[str, Any]  # labels, per-class figures, confusion, prompts, number of captions
    failures: list[Failure] = field(default_factory=list)


def evaluate(
    task: Literal["zero-shot", "retrieval"],
    data: str | Path | ClipSet,
    *,
    model: str | Path | Embedder = "earshot-small",
    labels: Sequence[str] | None = None,
    prompts: Prompts = TEMPLATES,
    split: str | None = None,
    pace: Pace | None = None,
) -> Evaluation:
    """The figures of `model` on `data`, a manifest or folder that `earshot data check` accepts.

    zero-shot: clips have labels; `labels` lists those to choose from (those of the data when left
    out). Figures: accuracy, top-5, balanced accuracy; mAP and AUC where clips have several labels.
    retrieval: clips have captions, which are queries and answers both ways: R@1, R@5, R@10, median
    rank, MRR, mAP@10, nDCG@10. Rows that cannot be used and sounds that cannot be read are listed
    in `failures`, never guessed: the figures are of the `n` others.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    embedder = as_embedder(model)
    clips = _open(data, split)
    kept = _with(clips, "labels" if task == "zero-shot" else "captions")
    names = _labels(kept, labels) if task == "zero-shot" else []
    pace = pace or Pace()
    pace.start()
    found, unread = embed_clips(kept, embedder, pace)
    failures = [*row_failures(clips), *unread]
    if not found:
        raise EarShotError(
            got=f"{clips.name}, of which no sound could be used: {unread[0].error}",
            expected="sounds that can be read",
            mend="See what is wrong with them: earshot data check.",
        )
    scored = [clip for clip, _ in found]
    sounds = np.stack([vector for _, vector in found])
    groups = np.array([clip.group or clip.id or str(i) for i, clip in enumerate(scored)])
    if task == "zero-shot":
        cosines = sounds @ label_vectors(names, embedder, prompts).T
        figures, intervals, details = _zero_shot(cosines, scored, names, groups)
        details["prompts"] = name_of_prompts(prompts)
    else:
        figures, intervals, details = _retrieval(sounds, scored, embedder, groups)
    return Evaluation(
        task=task,
        n=len(scored),
        metrics=figures,
        intervals=intervals,
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        data=clips.name,
        details=details,
        failures=failures,
    )


def _open(data: str | Path | ClipSet, split: str | None) -> ClipSet:
    from earshot.data import open_clips

    if isinstance(data, str | Path):
        clips = open_clips(data, on_fault="skip")
        return clips.split(split) if split else clips
    return data.split(split) if split else data


def _with(clips: ClipSet, what: Literal["labels", "captions"]) -> list[Clip]:
    """The clips that have labels, or captions."""
    kept = [clip for clip in clips if getattr(clip, what)]
    if not kept:
        other = "retrieval" if what == "labels" else "zero-shot"
        raise EarShotError(
            got=f"{clips.name}, in which no clip has {what}",
            expected=f"clips with {what}",
            mend=f"Name their column, or evaluate {other}.",
        )
    return kept


def _labels(clips: Sequence[Clip], given: Sequence[str] | None) -> list[str]:
    """The labels to choose from; one that a clip has must be among them."""
    own = sorted({label for clip in clips for label in clip.labels})
    if given is None:
        return own
    names = check_labels(given)
    for label in own:
        if label not in names:
            raise unknown_name(
                "label of the data", label, names, mend="Add it to --labels, or leave them out."
            )
    return names


def embed_clips(
    clips: Sequence[Clip], embedder: Embedder, pace: Pace | None = None
) -> tuple[list[tuple[Clip, np.ndarray]], list[Failure]]:
    """Every clip with its vector, and those that failed."""
    found, failures = [], []
    for done in embed_each((_task(clip, embedder) for clip in clips), embedder):
        if done.embedding is None:
            failures.append(Failure(Path(done.key.id), done.error))
        else:
            if pace is not None:
                pace.add(float(done.embedding.end_s[-1]))
            found.append((done.key, done.embedding.mean))
    return found, failures


def _task(clip: Clip, embedder: Embedder) -> Task[Clip]:
    """A clip as windows: whole files are streamed, excerpts are cut first."""

    def windows() -> Iterator[Window]:
        from earshot.audio import stream_windows

        whole = isinstance(clip.audio, Path) and not clip.start_s and clip.duration_s is None
        source = clip.audio if whole else clip.read(sample_rate=embedder.sample_rate)
        yield from stream_windows(
            source,
            sample_rate=embedder.sample_rate,
            window_s=embedder.window_s,
            hop_s=embedder.hop_s,
        )

    return Task(clip, windows)


Figures = tuple[dict[str, float], dict[str, tuple[float, float]], dict[str, Any]]


def _zero_shot(
    cosines: np.ndarray, clips: Sequence[Clip], labels: Sequence[str], groups: np.ndarray
) -> Figures:
    place = {label: i for i, label in enumerate(labels)}
    if any(len(set(clip.labels)) > 1 for clip in clips):
        truth = np.zeros(cosines.shape)
        for row, clip in enumerate(clips):
            truth[row, [place[label] for label in clip.labels]] = 1
        found = metrics.multi_label(cosines, truth)
        precision = zip(labels, found.average_precision.tolist(), strict=True)
        per_class = {label: value for label, value in precision if np.isfinite(value)}
        return found.values, {}, {"labels": list(labels), "per_class": per_class}
    target = np.array([place[clip.labels[0]] for clip in clips])
    hits = metrics.true_label_ranks(cosines, target) == 1
    figures = {
        "accuracy": metrics.accuracy(cosines, target),
        "top_5": metrics.accuracy(cosines, target, top=5),
        "balanced_accuracy": metrics.balanced_accuracy(cosines, target),
    }
    details = {
        "labels": list(labels),
        "per_class": metrics.per_class_accuracy(cosines, target, labels),
        "confusion": metrics.confusion(cosines, target).tolist(),
    }
    return figures, {"accuracy": _ends(hits, groups)}, details


def _retrieval(
    sounds: np.ndarray, clips: Sequence[Clip], embedder: Embedder, groups: np.ndarray
) -> Figures:
    captions = [caption for clip in clips for caption in clip.captions]
    owner = np.repeat(np.arange(len(clips)), [len(clip.captions) for clip in clips])
    similarity = embedder.embed_texts(captions) @ sounds.T  # [captions, clips]
    directions = {
        "text_to_audio": metrics.text_to_audio(similarity, owner),
        "audio_to_text": metrics.audio_to_text(similarity, owner),
    }
    figures, intervals = {}, {}
    for direction, found in directions.items():
        figures |= {f"{direction}/{name}": value for name, value in found.values.items()}
        for name in ("R@1", "R@10", "mAP@10"):
            ends = _ends(found.per_query[name], groups[found.query_clip])
            intervals[f"{direction}/{name}"] = ends
    return figures, intervals, {"n_captions": len(captions)}


def _ends(values: Iterable[float] | np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    found = metrics.mean_interval(np.asarray(values, dtype=np.float64), groups=groups)
    return found.low, found.high
