"""Checkpoints of a run in progress: whole or not there, the newest few kept."""

from __future__ import annotations

import logging
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils.other import load
from safetensors import SafetensorError

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder

KEPT = 2  # a fault in the newest leaves the one before
_NAME = re.compile(r"step-(\d{8})")
# Weights that are tied on purpose, as a language model's, are saved once: no word of it each time.
logging.getLogger("accelerate.utils.other").addFilter(
    lambda record: "Removed shared tensor" not in record.getMessage()
)


@dataclass
class Progress:
    """Where a run is; saved and restored with the weights."""

    step: int = 0  # updates taken
    loss: float = float("nan")  # of the last update
    config: dict[str, Any] = field(default_factory=dict)  # of the fit that wrote it

    def state_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"step": self.step, "loss": self.loss, "config": self.config}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.step, self.loss, self.config = state["step"], state["loss"], state["config"]


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in `folder`, oldest first."""
    if not is_folder(folder):
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def save_state(accelerator: Accelerator, folder: Path, step: int) -> Path:
    """Write everything that `accelerator` holds as `folder/step-NNNNNNNN`; keep the newest two.

    The files are written beside it, forced to disk, and the folder renamed: a kill at any moment
    leaves whole checkpoints only.
    """
    path, part = folder / f"step-{step:08d}", folder / f".part-{step:08d}"
    try:
        if accelerator.is_main_process:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(part))  # each process adds its random states
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            _to_disk(part)
            shutil.rmtree(path, ignore_errors=True)
            part.replace(path)
            for old in checkpoints(folder)[:-KEPT]:
                shutil.rmtree(old)
    except (OSError, SafetensorError, RuntimeError) as fault:  # torch calls a full disk the last
        shutil.rmtree(part, ignore_errors=True)
        raise EarShotError(
            got=f"{fault} while writing {path}",
            expected="a folder with room for a checkpoint",
            mend="Make room, then go on from the last whole checkpoint with --resume.",
        ) from fault
    accelerator.wait_for_everyone()
    return path


def load_newest(accelerator: Accelerator, folder: Path) -> bool:
    """Restore the newest checkpoint of `folder`; False when there is none."""
    found = checkpoints(folder)
    if not found:
        return False
    n_before = len(list(found[-1].glob("random_states_*.pkl")))  # accelerate writes one a process
    if n_before != accelerator.num_processes:
        raise EarShotError(
            got=f"{accelerator.num_processes} processes to go on with a run of {n_before}",
            expected=f"{n_before}, each with its own random states",
            mend=f"Start it with torchrun --nproc-per-node {n_before}, or begin in another --out.",
        )
    _check_data(found[-1])
    try:
        accelerator.load_state(str(found[-1]))
    except (OSError, SafetensorError, RuntimeError, EOFError, KeyError, ValueError) as fault:
        raise EarShotError(
            got=f"{found[-1]}, which cannot be restored ({str(fault).splitlines()[0]})",
            expected="a checkpoint of this very model",
            mend=f"Resume with the config that began it, or remove {found[-1].name} to go back "
            "to the one before.",
        ) from fault
    return True


def _check_data(checkpoint: Path) -> None:
    """Refuse a checkpoint that holds more than data: accelerate unpickles some of its files.

    accelerate opens what was registered with it without looking for code; so every file is read
    here first as torch reads files of strangers, and its own random states as it reads them itself.
    """
    for path in sorted([*checkpoint.glob("*.pkl"), *checkpoint.glob("*.bin")]):
        try:
            load(path, map_location="cpu", weights_only=True)
        except Exception as fault:  # damaged bytes lead the reader into errors of every kind
            raise EarShotError(
                got=f"{path}, which cannot be restored, or holds more than data "
                f"({str(fault).partition(chr(10))[0][:200]})",
                expected="a checkpoint that `earshot run` wrote",
                mend=f"Nothing of it was run. Remove {checkpoint.name} to go back to the one "
                "before, or begin in another --out.",
            ) from fault


def _to_disk(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
