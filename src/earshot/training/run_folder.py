"""What a run folder says about its run from the first moment on: recipe, config and clips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.core.files import is_file, write_text

RUN_NAME = "run.json"


def begin_run(
    out: Path,
    recipe: str,
    config: Any,
    clip_ids: Iterable[str],
    *,
    resume: bool,
    start: str | None = None,
) -> None:
    """Write `out/run.json`; on resume, refuse another recipe, config or set of clips than there.

    `start` names the model that the run goes on from, where there is one.
    """
    digest = hashlib.sha256("\0".join(clip_ids).encode("utf-8", "surrogateescape"))
    facts = {"recipe": recipe, "config": to_dict(config), "clips": digest.hexdigest()[:16]}
    facts |= {} if start is None else {"start": start}
    path = out / RUN_NAME
    if not is_file(path):
        write_text(path, json.dumps(facts, indent=2, sort_keys=True) + "\n")
        return
    if not resume:
        raise EarShotError(
            got=f"{out}, which holds a run already",
            expected="a new folder, or --resume",
            mend="Pass --resume to go on with that run, or another --out.",
        )
    before = read_run(out)
    other = [name for name in facts | before if facts.get(name) != before.get(name)]
    if other:
        raise EarShotError(
            got=f"a run with another {' and '.join(other)} than {out} began with",
            expected="the same recipe, config, clips and start",
            mend="Leave --set, --preset, --seed and --model out and pass the same --data to "
            "resume, or start in another --out.",
        )


def read_run(out: Path) -> dict[str, Any]:
    """Recipe, config and clips of the run that began in `out`."""
    path = out / RUN_NAME
    try:
        facts = json.loads(path.read_text("utf-8"))
        if not {"recipe", "config"} <= facts.keys():
            raise KeyError("recipe, config")
    except (OSError, ValueError, KeyError, AttributeError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path}, which cannot be read ({fault})",
            expected="the run.json that `earshot run` wrote",
            mend="Start the run again in another --out.",
        ) from fault
    return facts
