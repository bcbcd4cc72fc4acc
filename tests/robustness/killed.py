"""A process that ends itself by SIGKILL at a chosen moment of its work: no clock decides.

`python killed.py MOMENT FOLDER`, with MOMENT as in MOMENTS below.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def die(*_: Any, **__: Any) -> None:
    """The moment has come."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(moment: str, folder: Path) -> None:
    """Run this file up to `moment`, and see it die."""
    done = subprocess.run(
        [sys.executable, __file__, moment, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def index_before_words(folder: Path) -> None:
    """While a new index is made: its table is there, its full text is not."""
    from earshot.index.store import Store

    Store._mend_words = die
    _index(folder)


def index_while_dropping(folder: Path) -> None:
    """While what an older model made is taken away: half of its files are gone."""
    from lancedb.db import LanceDBConnection

    def half_dropped(connection: Any, name: str, **_: Any) -> None:
        shutil.rmtree(folder / ".earshot" / f"{name}.lance" / "_versions")
        die()

    LanceDBConnection.drop_table = half_dropped
    _index(folder, fingerprint="ab" * 8)


def _index(folder: Path, **model: str) -> None:
    from earshot.jobs.indexing import index
    from toy_embedder import ToyEmbedder

    index(folder, model=ToyEmbedder(**model))


def dataset_between_clip_and_journal(folder: Path) -> None:
    """The third clip is written, the line that says so is not."""
    from earshot.synth import dataset

    made, write = 0, dataset.write_audio

    def counted(*args: Any, **options: Any) -> None:
        nonlocal made
        write(*args, **options)
        made += 1
        if made == 3:
            die()

    dataset.write_audio = counted
    dataset.write_dataset(folder, kind="sounds", n=6, seed=3)


def dataset_inside_a_clip(folder: Path) -> None:
    """The third clip is written in full, under the name of a part."""
    from earshot.synth import dataset

    replace, made = Path.replace, []

    def counted(path: Path, target: Path) -> Path:
        if path.suffix == ".flac":
            made.append(path)
            if len(made) == 3:
                die()
        return replace(path, target)

    Path.replace = counted
    dataset.write_dataset(folder, kind="sounds", n=6, seed=3)


def dataset_before_manifest(folder: Path) -> None:
    """All clips are there, the manifest is not."""
    from earshot.synth import dataset

    write = dataset.write_text
    dataset.write_text = lambda path, text: (
        die() if path.name == "manifest.jsonl" else write(path, text)
    )
    dataset.write_dataset(folder, kind="sounds", n=6, seed=3)


def training_after_a_checkpoint(folder: Path) -> None:
    """The second checkpoint is there, a step has followed it."""
    from earshot.training import fit

    saved, log = [], fit.RunLog.note
    save = fit.save_state
    fit.save_state = lambda *args: saved.append(save(*args))
    fit.RunLog.note = lambda *args: die() if len(saved) == 2 else log(*args)
    train(folder)


def training_before_a_rename(folder: Path) -> None:
    """The second checkpoint is written in full, under the name of a part."""
    replace, seen = Path.replace, []

    def counted(path: Path, target: Path) -> Path:
        if path.name.startswith(".part-0"):
            seen.append(path)
            if len(seen) == 2:
                die()
        return replace(path, target)

    Path.replace = counted
    train(folder)


def training_before_the_end(folder: Path) -> None:
    """All steps are taken, the model is not saved."""
    from earshot.training import recipe_run

    recipe_run.save_checkpoint = die
    train(folder)


def train(folder: Path, *, resume: bool = False) -> Any:
    """The clap recipe, as small as it gets."""
    from dataclasses import replace

    from earshot.recipes import clap
    from recipes.tiny_clap import tiny_config

    config = tiny_config(steps=6)
    config = replace(
        config,
        toy=replace(config.toy, n_train=48, n_test=12),
        batch_size=8,
        fit=replace(config.fit, warmup_steps=1, checkpoint_every=2, log_every=1, ema_decay=0.9),
    )
    return clap.run(config, None, folder, resume=resume)


MOMENTS: dict[str, Callable[[Path], None]] = {
    moment.__name__: moment
    for moment in (
        index_before_words,
        index_while_dropping,
        dataset_between_clip_and_journal,
        dataset_inside_a_clip,
        dataset_before_manifest,
        training_after_a_checkpoint,
        training_before_a_rename,
        training_before_the_end,
    )
}

if __name__ == "__main__":
    MOMENTS[sys.argv[1]](Path(sys.argv[2]))
