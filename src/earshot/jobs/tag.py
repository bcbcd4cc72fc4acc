"""Tag sounds: how well each of a list of labels fits, by the model's own scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.engines import Engine, embed_each, file_task
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.jobs.judging import Judge, LabelScore, make_judge
from earshot.jobs.loading import as_embedder
from earshot.jobs.prompts import TEMPLATES, Prompts
from earshot.text.everyday import everyday_sounds

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class Tagged:
    """A sound with all labels, best first; `label` and `score` are the best one's.

    `label` is None where nothing stands out and that was asked for; `score` is the best one's then.
    """

    path: Path | str
    label: str | None
    score: float
    labels: tuple[LabelScore, ...]
    duration_s: float


def tag(
    files: str | Path | Iterable[str | Path],
    *,
    labels: Sequence[str] | None = None,
    model: str | Path | Embedder = "earshot-small",
    prompts: Prompts = TEMPLATES,
    index: str | Path | None = None,
    abstain: bool = False,
    examples: str | Path | None = None,
    engine: Engine = embed_each,
) -> Answers[Tagged]:
    """The labels of each sound, best first. Folders are walked; `failures` lists what failed.

    labels: any words for sounds; a vocabulary of everyday sounds when left out. `score` is the
    softmax over the labels of the model's scale times the cosine, so it depends on which labels are
    given. A sound longer than the model's window is tagged by the mean of its windows.

    prompts: templates with {label}, or a bank's (`find_prompts("descriptive")`), which say what a
    label sounds like.

    index: an index of your own sounds; each label's `z` and `false_alarm` then say how it stands
    out of them. abstain: `label` is None where no label stands out; the nearest index is taken if
    none is named. examples: a manifest of a few labelled sounds (path, label) that sharpen the
    labels, as far as cross-validation says that they do; their labels are taken if none are given.
    """
    files = [files] if isinstance(files, str | Path) else list(files)
    embedder = as_embedder(model)
    names = vocabulary() if labels is None and examples is None else labels
    judge = make_judge(
        files, names, embedder, prompts=prompts, index=index, abstain=abstain, examples=examples
    )
    answers: Answers[Tagged] = Answers(failures=judge.failures)
    for answer in tag_each(files, judge, embedder, engine=engine):
        if isinstance(answer, Failure):
            answers.failures.append(answer)
        else:
            answers.append(answer)
    return answers


def tag_each(
    files: Iterable[str | Path],
    judge: Judge,
    embedder: Embedder,
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
    engine: Engine = embed_each,
) -> Iterator[Tagged | Failure]:
    """One answer at a time as they are ready, in the order of the files; without those to skip."""
    if pace is not None:
        pace.start()
    paths = (path for path in find_sounds(files) if not skip(path))
    for done in engine((file_task(path, embedder) for path in paths), embedder):
        if done.embedding is None:
            yield Failure(done.key, done.error)
            continue
        duration_s = float(done.embedding.end_s[-1])
        if pace is not None:
            pace.add(duration_s)
        scores = judge.scores(done.embedding.mean)
        best = judge.best(scores)
        label, score = (None, scores[0].score) if best is None else (best.label, best.score)
        yield Tagged(done.key, label, score, scores, duration_s)


def vocabulary() -> tuple[str, ...]:
    """The everyday sounds that are tried when no labels are given."""
    return everyday_sounds()
