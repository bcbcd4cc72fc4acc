"""A batch of clips through the stages, one after the other: the same on every engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from earshot.audio.errors import AudioError
from earshot.core.errors import EarShotError
from earshot.factories.item import Item
from earshot.factories.meter import Spent, counted, since
from earshot.factories.stage import Stage, usage_of
from earshot.llm.client import LlmError

OF_ONE_CLIP = (AudioError, LlmError)  # EarShotErrors that say nothing of the other clips


@dataclass(frozen=True)
class Batch:
    """Clips that went through, in their order, and what each stage spent on them."""

    items: list[Item]
    spent: dict[str, Spent]


def work_through(
    stages: Sequence[Stage],
    items: Sequence[Item],
    clock: Callable[[], float] = time.perf_counter,
) -> Batch:
    """Every stage over the clips that are left.

    Where a stage raises over a batch, each clip is tried alone, and the one at fault fails.
    Raises EarShotError for what no clip can get past.
    """
    now, spent = list(items), dict[str, Spent]()
    for stage in stages:
        left = [i for i, item in enumerate(now) if item.rejected is None]
        if not left:
            break
        before, started = counted(usage_of(stage)), clock()
        made = _work(stage, [now[i] for i in left])
        seconds = clock() - started
        no = [item.rejected for item in made if item.rejected is not None]
        n_failed = sum(each.failed for each in no)
        spent[stage.name] = Spent(
            len(left), len(no) - n_failed, n_failed, seconds, **since(before, usage_of(stage))
        )
        noted = {stage.name: stage.identity}
        for i, item in zip(left, made, strict=True):
            now[i] = item.with_(provenance={**item.provenance, **noted})
    return Batch(now, spent)


def _work(stage: Stage, items: list[Item]) -> list[Item]:
    try:
        made = list(stage.work(items))
    except Exception as fault:  # one clip must not end a job over many: it is found and reported
        if isinstance(fault, EarShotError) and not isinstance(fault, OF_ONE_CLIP):
            raise
        if len(items) == 1:
            return [items[0].fail(stage.name, "crashed", _sentence(fault))]
        return [each for item in items for each in _work(stage, [item])]
    if [item.id for item in made] != [item.id for item in items]:
        raise RuntimeError(
            f"stage {stage.name} was given {len(items)} items and gave back {len(made)}, or others"
        )
    return made


def _sentence(fault: Exception) -> str:
    if isinstance(fault, EarShotError):
        return str(fault)
    return " ".join(f"{type(fault).__name__}: {fault}".split())[:500]
