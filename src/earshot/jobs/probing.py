"""One table of all encoders: what every pre-training leaves in frozen layers to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.training.experiment import Arm, Comparison, Experiment

if TYPE_CHECKING:
    from earshot.jobs.evaluation.result import Evaluation
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class ProbeArm:
    """One row: which recipe trains the encoder, and what is changed of its small preset."""

    recipe: str = ""  # empty: a shipped model, or no encoder at all
    preset: str = "small"
    changes: tuple[str, ...] = ()
    model: str = ""  # of a shipped model
    trained: bool = True  # untrained: random weights, what the shape alone is worth
    shuffled: bool = False  # the probes' training labels are dealt out anew
    tasks: tuple[str, ...] = ()  # all whose recordings are at hand, if empty
    quick: bool = True  # a quarter of the clips
    n_folds: int = 3  # each tested once by a probe of the others
    seed: int = 0

    def __post_init__(self) -> None:
        if self.recipe and self.model:
            raise EarShotError(
                got=f"recipe {self.recipe} and model {self.model}",
                expected="one of them, or neither for the log-mel",
                mend="Leave one out.",
            )


def _reviewed(objective: str, preset: str = "small") -> ProbeArm:
    """An objective of the review, on the one encoder that it compares them by."""
    return ProbeArm("ssl_speech_review", preset, (f"objective={objective}",))


ROWS: dict[str, tuple[ProbeArm, str]] = {
    "log_mel": (ProbeArm(), "control: no encoder, the front end's frames"),
    "earshot_small": (ProbeArm(model="earshot-small"), "the shipped model's audio tower"),
    "panns": (ProbeArm("panns"), "tagging, balanced, with mixup"),
    "ssast": (ProbeArm("ssast"), "patches identified and reconstructed"),
    "beats": (ProbeArm("beats"), "labels of a distilled tokenizer"),
    "w2v_bert": (ProbeArm("w2v_bert"), "contrast below, masked prediction above"),
    "ainu_adaptation": (ProbeArm("ainu_adaptation"), "wav2vec 2.0's task, then few transcripts"),
    "autotcl": (ProbeArm("autotcl"), "contrast of learnt views"),
    "apc": (_reviewed("apc", "small_causal"), "what comes next, by regression"),
    "cpc": (_reviewed("cpc", "small_causal"), "what comes next, by contrast"),
    "reconstruction": (_reviewed("reconstruction"), "hidden frames, drawn"),
    "wav2vec2": (_reviewed("wav2vec2"), "hidden frames, told from others"),
    "hubert": (_reviewed("hubert"), "hidden frames' clusters"),
    "data2vec": (_reviewed("data2vec"), "a teacher's states at hidden frames"),
    "best_rq": (_reviewed("best_rq"), "hidden frames' random codes"),
    "w2v_bert_frames": (_reviewed("w2v_bert"), "contrast below, codes above"),
}
TWINS = {  # rows that share the encoder, and so the untrained one
    name: "hubert"
    for name in ("reconstruction", "wav2vec2", "data2vec", "best_rq", "w2v_bert_frames")
} | {"apc": "cpc"}


def probe_table(base: ProbeArm | None = None) -> Experiment:
    """Every encoder, its untrained twin, and chance, under the same probes of the same clips."""
    base = base or ProbeArm()
    same = {"tasks": base.tasks, "quick": base.quick, "n_folds": base.n_folds}
    arms = [Arm(name, replace(row, **same), note) for name, (row, note) in ROWS.items()]
    arms += [
        Arm(f"{name}_untrained", replace(row, trained=False, **same), f"control: {name}, random")
        for name, (row, _) in ROWS.items()
        if row.recipe and name not in TWINS
    ]
    first = next(name for name, (row, _) in ROWS.items() if row.recipe)
    arms.append(Arm("shuffled", replace(ROWS[first][0], shuffled=True, **same), "control: chance"))
    comparisons = [
        Comparison("probes", task, name, f"{TWINS.get(name, name)}_untrained")
        for name, (row, _) in ROWS.items()
        if row.recipe
        for task in named_tasks(base)
    ]
    return Experiment("probes", tuple(arms), tuple(comparisons), measure, module=__name__)


def named_tasks(arm: ProbeArm) -> tuple[str, ...]:
    """The tasks of an arm: its own, or those whose recordings are at hand."""
    from earshot.data.shared import shared_data
    from earshot.jobs.evaluation.probe_tasks import TASKS

    at_hand = tuple(
        name for name, (_, source) in TASKS.items() if not source or shared_data(source)
    )
    return arm.tasks or at_hand


def measure(arm: ProbeArm, out: Path) -> Mapping[str, float]:
    """Train an arm's encoder in `out`, going on where it was, and probe it."""
    from earshot.jobs.evaluation.layer_probe import measure_layers
    from earshot.jobs.evaluation.probe_tasks import ProbeSizes, probe_tasks

    embedder = _encoder(arm, out)
    sizes = ProbeSizes.quick() if arm.quick else ProbeSizes()
    tasks = probe_tasks(named_tasks(arm), sizes=sizes, seed=arm.seed)
    return {
        task.name: headline(
            measure_layers(
                task, embedder, n_folds=arm.n_folds, seed=arm.seed, shuffled=arm.shuffled
            )
        )
        for task in tasks
    }


def headline(result: Evaluation) -> float:
    """The one figure of a task: accuracy, or mAP where clips have several labels."""
    return result.metrics.get("accuracy", result.metrics.get("mAP", float("nan")))


def _encoder(arm: ProbeArm, out: Path) -> Embedder:
    """The frozen encoder of an arm, trained where it is to be."""
    from earshot.core.config import override
    from earshot.core.seed import seed_all
    from earshot.jobs.loading import load
    from earshot.models.audio_tower import log_mel_alone
    from earshot.models.embedder import Embedder
    from earshot.recipes import find_recipe

    if arm.model:
        return load(arm.model)
    if not arm.recipe:
        return Embedder(log_mel_alone(), "log-mel")
    module = find_recipe(arm.recipe)
    config = override(getattr(module.Config, arm.preset)(), (*arm.changes, f"seed={arm.seed}"))
    if arm.trained:
        module.run(config, None, out, resume=True)
        return load(out)
    seed_all(arm.seed)
    return Embedder(module.build(config), f"{arm.recipe}, untrained")
