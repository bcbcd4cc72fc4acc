"""The suite: naming, retrieval, twins of order and attribute, and temporal tasks, in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.jobs.each_file import Pace
from earshot.jobs.evaluation.clips import candidate_labels, clips_with, hear, open_set
from earshot.jobs.evaluation.result import Evaluation
from earshot.jobs.evaluation.synthetic import SuiteSizes
from earshot.jobs.loading import as_embedder

if TYPE_CHECKING:
    from earshot.data import ClipSet
    from earshot.models.embedder import Embedder

CLIP_S = 4.0  # of scenes and twins, for models that hear as much at once
LEAST_S = 2.0  # of a scene of several sounds
LEAST_LABELS = 3  # for the temporal suite


def run_suite(
    model: str | Path | Embedder = "earshot-small",
    data: Sequence[str | Path | ClipSet] = (),
    *,
    quick: bool = False,
    clip_s: float | None = None,
    seed: int = 0,
    pace: Pace | None = None,
) -> dict[str, Evaluation]:
    """Every task of the suite by name, each figure with its interval: `suite_tasks` at once."""
    return dict(suite_tasks(model, data, quick=quick, clip_s=clip_s, seed=seed, pace=pace))


def suite_tasks(
    model: str | Path | Embedder = "earshot-small",
    data: Sequence[str | Path | ClipSet] = (),
    *,
    quick: bool = False,
    clip_s: float | None = None,
    seed: int = 0,
    pace: Pace | None = None,
) -> Iterator[tuple[str, Evaluation]]:
    """The tasks of the suite by name, each as it is done.

    Without `data` on procedural clips, made as they are needed: "zero-shot" on single sounds of all
    kinds, "retrieval" on scenes, "order twins", "attribute twins" and "zste". Scenes and twins last
    `clip_s`, at most what the model hears in one window: 4 s, or the window where that is shorter.
    On `data`, manifests or folders, what their clips allow, with the name of the set behind the
    task's: zero-shot and zste of clips with one label, retrieval of clips with captions. `quick`
    takes a quarter of the clips: intervals are twice as wide.
    """
    embedder = as_embedder(model)
    pace = pace or Pace()
    pace.start()
    sizes = SuiteSizes.quick() if quick else SuiteSizes()
    if data:
        return _of_data(embedder, data, sizes, seed, pace)
    return _synthetic(embedder, sizes, _length(embedder, clip_s), seed, pace)


def _length(embedder: Embedder, clip_s: float | None) -> float:
    """Seconds of a composed clip, which a model must hear in one piece to tell order."""
    length = min(CLIP_S, embedder.window_s) if clip_s is None else clip_s
    if not LEAST_S <= length <= embedder.window_s:
        raise EarShotError(
            got=f"composed clips of {length:g} s for {embedder.name}",
            expected=f"{LEAST_S:g} s to the model's window, {embedder.window_s:g} s",
            mend="Change clip_s; a model of a shorter window hears no order in them.",
        )
    return length


def _synthetic(
    embedder: Embedder, sizes: SuiteSizes, clip_s: float, seed: int, pace: Pace
) -> Iterator[tuple[str, Evaluation]]:
    from earshot.jobs.evaluation import synthetic
    from earshot.jobs.evaluation.retrieval import measure_retrieval
    from earshot.jobs.evaluation.twins import measure_twins
    from earshot.jobs.evaluation.zero_shot import measure_zero_shot

    sounds = synthetic.sounds(sizes, seed)
    heard = hear(sounds, sounds.clips, embedder, pace)
    yield "zero-shot", measure_zero_shot(heard, embedder, sounds.labels)
    scenes = synthetic.scenes(sizes, clip_s, seed)
    yield "retrieval", measure_retrieval(hear(scenes, scenes.clips, embedder, pace), embedder)
    for name, make in (
        ("order twins", synthetic.order_twins),
        ("attribute twins", synthetic.attribute_twins),
    ):
        made = f"synthetic {name} of {clip_s:g} s, seed {seed}"
        yield name, measure_twins(make(sizes, clip_s, seed), embedder, data=made, pace=pace)
    events = synthetic.events(sizes, seed)
    yield "zste", _temporal(events, embedder, sizes, seed, pace, clip_s / 2)


def _of_data(
    embedder: Embedder,
    data: Sequence[str | Path | ClipSet],
    sizes: SuiteSizes,
    seed: int,
    pace: Pace,
) -> Iterator[tuple[str, Evaluation]]:
    from earshot.jobs.evaluation.retrieval import measure_retrieval
    from earshot.jobs.evaluation.zero_shot import measure_zero_shot

    for source in data:
        clips = open_set(source)
        if not any(clip.labels or clip.captions for clip in clips):
            clips_with(clips, "labels")  # says what is missing
        if any(clip.labels for clip in clips):
            kept = clips_with(clips, "labels")
            names = candidate_labels(kept)
            heard = hear(clips, kept, embedder, pace)
            yield f"zero-shot on {clips.name}", measure_zero_shot(heard, embedder, names)
            if not heard.several and len(names) >= LEAST_LABELS:
                found = _temporal(clips, embedder, sizes, seed, pace)
                yield f"zste on {clips.name}", found
        if any(clip.captions for clip in clips):
            heard = hear(clips, clips_with(clips, "captions"), embedder, pace)
            yield f"retrieval on {clips.name}", measure_retrieval(heard, embedder)


def _temporal(
    clips: ClipSet,
    embedder: Embedder,
    sizes: SuiteSizes,
    seed: int,
    pace: Pace,
    event_s: float | None = None,
) -> Evaluation:
    from earshot.jobs.zste import evaluate_zste

    own = Pace()
    found = evaluate_zste(
        clips, model=embedder, n=sizes.n_pairs, seed=seed, event_s=event_s, pace=own
    )
    pace.audio_s, pace.n_files = pace.audio_s + own.audio_s, pace.n_files + own.n_files
    return found
