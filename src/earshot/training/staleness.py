"""Whether a result is still that of the code and the configs there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.training.experiment import Experiment
from earshot.training.sources import source_digest


def why_stale(result: dict[str, Any] | None, experiment: Experiment) -> str | None:
    """What changed since `result` was measured, in words; None when nothing did.

    Looked at: the sources of the recipe and of all that it imports, every arm's config, and the
    comparisons. Arms of the result that the experiment has not here (for want of their recordings)
    are no change. A result that does not say what code it is of counts as changed.
    """
    if result is None:
        return "it has no result"
    if "code" not in result:
        return "its result does not say which code made it"
    if result["code"] != source_digest(experiment.sources):
        return "its code changed"
    for arm in experiment.arms:
        if arm.name not in result["arms"]:
            return f"it has a new arm, {arm.name}"
        if _without_seed(result["arms"][arm.name]["config"]) != _without_seed(to_dict(arm.config)):
            return f"the config of {arm.name} changed"
    known = {(each["claim"], each["figure"], each["arm"]) for each in result["comparisons"]}
    asked = {(each.claim, each.figure, each.arm) for each in experiment.comparisons}
    return None if asked <= known else "its comparisons changed"


def check_arms_kept(result: dict[str, Any] | None, experiment: Experiment, path: Path) -> None:
    """Refuse to write over a result with arms that cannot be measured here: they would be lost."""
    if result is None:
        return
    lost = sorted(set(result["arms"]) - {arm.name for arm in experiment.arms})
    if lost:
        raise EarShotError(
            got=f"{path} with arms that this claim has not here: {', '.join(lost)}",
            expected="every arm of the result, so that none is lost",
            mend="Set EARSHOT_SHARED to the recordings they need, or name another --out; if the "
            "recipe has them no more, delete that file.",
        )


def read_result(path: Path) -> dict[str, Any] | None:
    """The results file, None where there is none; a broken one is refused."""
    if not path.is_file():
        return None
    try:
        result = json.loads(path.read_text("utf-8"))
        result["arms"], result["comparisons"], result["seeds"]
    except (ValueError, KeyError, TypeError) as fault:
        raise EarShotError(
            got=f"{path}, which is no results file ({fault!r})",
            expected="what `earshot claim` wrote",
            mend="Delete it, or name another --out.",
        ) from fault
    return dict(result)


def _without_seed(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "seed"}
