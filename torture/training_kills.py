"""kill -9 at random moments of training, resumed every time; it must end with the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forked import run, run_and_kill

STEPS = 40


def torment(folder: Path, n_kills: int, draw: np.random.Generator) -> dict[str, Any]:
    """Train, kill, resume until it is done, again from the start until enough kills were made."""
    whole_s = run(lambda: _train(folder / "whole", lambda: None))
    wanted = (folder / "whole" / "model.safetensors").read_bytes()
    kills, rounds, lost, other = 0, 0, 0, 0
    moments = {"before the first checkpoint": 0, "after one": 0}
    while kills < n_kills:
        rounds += 1
        out, newest = folder / f"round-{rounds}", 0
        while True:
            wait_s = draw.uniform(0, whole_s) if kills < n_kills else 600.0
            ended = run_and_kill(lambda began, out=out: _train(out, began) and None, wait_s)
            steps = sorted(int(path.name[5:]) for path in out.glob("checkpoints/step-*"))
            lost += bool(newest and (not steps or steps[-1] < newest))
            newest = steps[-1] if steps else 0
            if not ended.killed:
                break
            kills += 1
            moments["after one" if newest else "before the first checkpoint"] += 1
        if ended.status:
            raise RuntimeError(f"training failed by itself: status {ended.status}")
        other += (out / "model.safetensors").read_bytes() != wanted
    return {
        "kills": kills,
        "runs_finished": rounds,
        "moments": moments,
        "uninterrupted_s": round(whole_s, 2),
        "checkpoints_lost": lost,
        "runs_with_other_weights": other,
    }


def _train(out: Path, began: Callable[[], None]) -> float:
    """The clap recipe at its smallest, a checkpoint every other step; seconds that it took."""
    from earshot.recipes import clap
    from recipes.tiny_clap import tiny_config

    small = tiny_config(steps=STEPS)
    config = replace(
        small,
        toy=replace(small.toy, n_train=64, n_test=12),
        batch_size=16,
        fit=replace(small.fit, checkpoint_every=2, log_every=1, ema_decay=0.9),
    )
    began()
    start = time.monotonic()
    clap.run(config, None, out, resume=(out / "run.json").is_file())
    return time.monotonic() - start
