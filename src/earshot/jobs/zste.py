"""ZSTE: how well a model tells order, on any labelled clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from earshot.jobs.data_rows import row_failures
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.evaluation.result import Evaluation
from earshot.jobs.loading import as_embedder
from earshot.text.prompts import PLAIN

if TYPE_CHECKING:
    from earshot.data import ClipSet
    from earshot.models.embedder import Embedder


def evaluate_zste(
    data: str | Path | ClipSet,
    *,
    model: str | Path | Embedder = "earshot-small",
    n: int = 200,
    seed: int = 0,
    event_s: float | None = None,
    prompt: str = PLAIN,
    split: str | None = None,
    pace: Pace | None = None,
) -> Evaluation:
    """The zero-shot temporal suite of `model` on `data`, a manifest or folder with labels.

    Of clips with one label each, `n` pairs of two labels are made into composites on the fly: one
    after the other in both orders, and both at once. Nothing is written; `seed` decides all. The
    tasks, by name in `metrics` with intervals, are those of metrics/zste.py; `details["tasks"]`
    gives each one's question, its n and its chance. Captions are bare ("dog before rain") unless
    `prompt`, such as "This is a sound of {label}.", holds them.

    Long composites: of every clip the loudest `event_s` is taken, half the model's window when left
    out, so that both events lie in one window and none is cropped away. With a longer `event_s` a
    composite takes several windows, whose mean is the clip: both events are still heard, but a mean
    of windows knows no order, and tasks 3C, 4 and 5 then measure what windows with both events
    say. Clips that cannot be used are listed in `failures`, and their pairs are left out.
    """
    from earshot.data import open_clips
    from earshot.metrics.zste import zste
    from earshot.training.temporal_tests import hear_pairs

    embedder = as_embedder(model)
    clips = open_clips(data, on_fault="skip") if isinstance(data, str | Path) else data
    clips = clips.split(split) if split else clips
    pace = pace or Pace()
    pace.start()
    found = hear_pairs(
        embedder,
        clips,
        n=n,
        seed=seed,
        event_s=embedder.window_s / 2 if event_s is None else event_s,
        heard=pace.add,
    )
    tasks = zste(found.sounds, embedder.embed_texts, prompt=prompt, seed=seed)
    n_pairs = len(found.sounds.first)
    return Evaluation(
        task="zste",
        n=len(found.sounds.single) + 3 * n_pairs,
        metrics={name: task.value for name, task in tasks.items()},
        intervals={name: (task.low, task.high) for name, task in tasks.items()},
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        data=clips.name,
        details={
            "tasks": {
                name: {"question": task.question, "n": task.n, "chance": task.chance}
                for name, task in tasks.items()
            },
            "labels": list(found.sounds.labels),
            "n_clips": len(found.sounds.single),
            "n_pairs": n_pairs,
            "event_s": found.event_s,
            "prompt": prompt,
            "seed": seed,
        },
        failures=[
            *row_failures(clips),
            *(Failure(Path(name), why) for name, why in found.faults.items()),
        ],
        draws={name: task.draws for name, task in tasks.items()},
        items=(
            f"{len(found.sounds.single)} clips",
            f"{n_pairs} pairs of {found.event_s:g} s",
            f"seed {seed}",
        ),
    )
