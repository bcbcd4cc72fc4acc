"""Train with several alignment methods at once, and tell what each of them adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.seed import generator
from earshot.jobs.starting import find_start
from earshot.jobs.suite import run_suite
from earshot.training.blend import METHODS, BlendConfig, blend
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig

if TYPE_CHECKING:
    from earshot.core.report import Report
    from earshot.data import ClipSet
    from earshot.jobs.evaluation.result import Evaluation
    from earshot.models.start import Start

SHOWN = {  # the suite's figures that are compared: task -> metric -> name
    "zero-shot": {"accuracy": "zero_shot"},
    "retrieval": {"text_to_audio/mAP@10": "t2a_map10", "audio_to_text/mAP@10": "a2t_map10"},
    "order twins": {"text": "order_text", "group": "order_group"},
    "attribute twins": {"text": "attribute_text", "group": "attribute_group"},
    "zste": {},
}
TRAINING_SEED = 50_000  # procedural clips of training begin here, far from those of the suite


@dataclass(frozen=True)
class SyntheticClips:
    """Procedural clips to blend on: scenes with captions, and single sounds of every kind."""

    n_scenes: int = 400
    per_kind: int = 2
    clip_s: float = 4.0


def blend_model(
    model: str | Path,
    out: Path,
    *,
    methods: Sequence[str] = METHODS,
    data: str | Path | ClipSet | None = None,
    changes: Sequence[str] = (),
    seed: int = 0,
    resume: bool = False,
) -> Report:
    """Train `model` further in `out` with `methods` at once; the folder then loads as a model.

    On the captioned and the labelled clips of `data`, procedural ones when left out. `changes` are
    words such as "fit.steps=500" for the BlendConfig.
    """
    from earshot.core.config import override
    from earshot.data import open_clips

    start = find_start(model)
    config = BlendConfig(model=start.config, methods=tuple(methods), seed=seed)
    clips = open_clips(data) if isinstance(data, str | Path) else data
    changed = override(config, changes)
    return train(changed, clips or synthetic_clips(seed), out, start=start, resume=resume)


def train(config: BlendConfig, data: ClipSet, out: Path, *, start: Start, resume: bool) -> Report:
    """As `blend`, saved as a model of the recipe `clap`, whose shape it has."""
    from earshot.recipes import clap

    own = None
    if config.model is not None:
        own = clap.PAPER.key, clap.Config(model=config.model, seed=config.seed)
    return blend(config, data, out, start=start, resume=resume, saved_as=own)


def synthetic_clips(seed: int, sizes: SyntheticClips | None = None) -> ClipSet:
    """Scenes with captions and single sounds with labels, none of which the suite has."""
    from earshot.audio import Audio
    from earshot.data import Clip, ClipSet
    from earshot.synth import SOUNDS, SceneConfig, make_scenes, render_sound

    sizes, rate = sizes or SyntheticClips(), 32_000
    scenes = SceneConfig(sample_rate=rate, duration_s=sizes.clip_s)
    clips = [
        Clip(Audio(scene.waveform, rate), captions=scene.captions, id=f"scene {index}")
        for index, scene in enumerate(make_scenes(sizes.n_scenes, TRAINING_SEED + seed, scenes))
    ]
    for kind in SOUNDS:
        for turn in range(sizes.per_kind):
            draw = int(generator(seed, kind, turn, "blend").integers(2**30))
            sound = render_sound(kind, duration_s=2.0, sample_rate=rate, seed=TRAINING_SEED + draw)
            clips.append(Clip(Audio(sound, rate), labels=(kind,), id=f"{kind} {turn}"))
    return ClipSet(clips, name="procedural scenes and sounds")


def suite_figures(results: Mapping[str, Evaluation]) -> dict[str, float]:
    """The suite's figures under short names; of the temporal suite all."""
    found: dict[str, float] = {}
    for task, result in results.items():
        wanted = SHOWN[task] or {name: f"zste_{name}" for name in result.metrics}
        found |= {short: result.metrics[name] for name, short in wanted.items()}
    return found


@dataclass(frozen=True)
class BlendArm:
    """One row of the table: which methods are on, for how long, on what."""

    methods: tuple[str, ...] | None  # none: the model as it is, not trained further
    start: str = "earshot-small"
    steps: int = 40
    batch_size: int = 16  # captioned clips
    n_composed: int = 8  # composed clips beside them
    clips: SyntheticClips = field(default_factory=SyntheticClips)
    quick: bool = True  # of the suite: a quarter of its clips
    seed: int = 0


def blend_table(arm: BlendArm | None = None) -> Experiment:
    """What each method adds to a model, and all of them: the figures of the suite, by arm.

    Every arm trains on the same clips for as many steps; "captions" with none of the methods.
    """
    base = arm or BlendArm(())
    one_by_one = [Arm(name, replace(base, methods=(name,)), f"{name} alone") for name in METHODS]
    arms = (
        Arm("start", replace(base, methods=None), "the model as it is"),
        Arm("captions", replace(base, methods=()), "as many steps, none of the methods"),
        *one_by_one,
        Arm("all", replace(base, methods=METHODS), "all four at once"),
    )
    figures = ("zero_shot", "t2a_map10", "order_group", "attribute_group", "zste_4")
    against = [*((name, "captions") for name in METHODS), ("all", "captions"), ("all", "start")]
    comparisons = tuple(
        Comparison("blend", figure, better, worse, "not below")
        for better, worse in against
        for figure in figures
    )
    return Experiment("blend", arms, comparisons, measure_arm, module=__name__)


def measure_arm(arm: BlendArm, out: Path) -> Mapping[str, float]:
    """One arm of the table, going on where it was."""
    model: str | Path = arm.start
    if arm.methods is not None:
        start = find_start(arm.start)
        fit = FitConfig(
            steps=arm.steps, learning_rate=1e-4, warmup_steps=arm.steps // 10, precision="bf16"
        )
        config = BlendConfig(
            model=start.config,
            methods=arm.methods,
            fit=fit,
            batch_size=arm.batch_size,
            n_composed=arm.n_composed,
            seed=arm.seed,
        )
        train(config, synthetic_clips(arm.seed, arm.clips), out, start=start, resume=True)
        model = out
    return suite_figures(run_suite(model, quick=arm.quick, seed=arm.seed))
