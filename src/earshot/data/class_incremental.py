"""Labels that come in groups, one group a task: what a class-incremental learner is given."""

from __future__ import annotations

from collections.abc import Iterable

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet, check_single_labels

Tasks = tuple[tuple[str, ...], ...]  # the labels of each task, in the order in which they come


def class_incremental(clips: ClipSet, n_tasks: int, seed: int) -> Tasks:
    """The labels of `clips` dealt to `n_tasks` tasks, as evenly as can be, in an order by `seed`.

    The same for the same labels, number and seed: arms of one comparison share their tasks.
    Raises EarShotError unless every clip has exactly one label and every task gets one.
    """
    check_single_labels(clips)
    labels = sorted({clip.labels[0] for clip in clips})
    if not 1 <= n_tasks <= len(labels):
        raise EarShotError(
            got=f"{n_tasks} tasks for {len(labels)} labels",
            expected="at least one task, and a label for each",
            mend="Set n_tasks to at most the number of labels.",
        )
    order = [labels[i] for i in generator(seed, "task order").permutation(len(labels))]
    share, extra = divmod(len(order), n_tasks)
    tasks, start = [], 0
    for task in range(n_tasks):
        end = start + share + (task < extra)
        tasks.append(tuple(order[start:end]))
        start = end
    return tuple(tasks)


def check_spoken_intents(train: ClipSet, test: ClipSet) -> None:
    """Refuse clips without exactly one label and a caption, and labels in one part alone.

    The label is the intent, the caption the transcript.
    """
    for clip in (*train, *test):
        if not clip.captions or len(clip.labels) != 1:
            raise EarShotError(
                got=f"clip {clip.id!r} with labels {list(clip.labels)} and captions "
                f"{list(clip.captions)}",
                expected="one label, the intent, and a caption, the transcript",
                mend="Give the manifest the columns label and caption.",
            )
    here, there = ({label_of(clip) for clip in part} for part in (train, test))
    if here != there:
        raise EarShotError(
            got=f"intents in one of training and test alone: {', '.join(sorted(here ^ there))}",
            expected="the same intents in both",
            mend="Add clips of these, or leave these intents out.",
        )


def of_labels(clips: ClipSet, labels: Iterable[str]) -> ClipSet:
    """The clips that have one of `labels`; label indices stay those of the whole set."""
    wanted = frozenset(labels)
    return clips.select(lambda clip: label_of(clip) in wanted)


def label_of(clip: Clip) -> str:
    """The clip's only label."""
    (label,) = clip.labels
    return label
