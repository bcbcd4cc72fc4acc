"""Checkpoints: {recipe key, config, weights} in a folder. Data, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.core.files import is_file, replacing, write_text

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
CONFIG_NAME, WEIGHTS_NAME = "earshot.json", "model.safetensors"
HUB_CONFIG_NAME, MODEL_TYPE = "config.json", "earshot"  # the same facts inside a hub's own file


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk: which recipe builds it, from which config; weights load on demand."""

    folder: Path
    recipe: str
    config: dict[str, Any]
    extra: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """What its description file says."""
        about = {"recipe": self.recipe, "config": self.config, "extra": self.extra}
        return {"format": FORMAT, **about}

    def weights(self) -> dict[str, Tensor]:
        """The tensors by name, on the CPU."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / WEIGHTS_NAME
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as fault:
            raise EarShotError(
                got=f"{path}: {str(fault).partition(chr(10))[0]}",
                expected="a whole safetensors file",
                mend="Copy it again, or train again with --resume.",
            ) from fault


def save_checkpoint(
    folder: Path, recipe: str, config: Any, model: nn.Module, extra: Mapping[str, Any] | None = None
) -> None:
    """Write `model` and what builds it again into `folder`; each file is whole or not there."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    owner: dict[int, str] = {}  # safetensors refuses shared memory: keep one name of tied weights
    for name, value in list(state.items()):
        if value.numel() and owner.setdefault(value.data_ptr(), name) != name:
            state[name] = value.clone()
    with replacing(folder / WEIGHTS_NAME) as part:
        try:
            save_file(state, part)
        except SafetensorError as fault:  # such as a full disk
            raise OSError(str(fault)) from fault
    facts = Checkpoint(folder, recipe, to_dict(config), dict(extra or {})).facts
    write_text(folder / CONFIG_NAME, json.dumps(facts, indent=2, sort_keys=True) + "\n")


def is_checkpoint(folder: Path) -> bool:
    """Whether `folder` holds a checkpoint of ours: a run folder, or one made for a hub."""
    return _description(folder) is not None


def _description(folder: Path) -> Path | None:
    """The file that says what is in `folder`."""
    if is_file(folder / CONFIG_NAME):
        return folder / CONFIG_NAME
    path = folder / HUB_CONFIG_NAME
    try:
        is_ours = json.loads(path.read_text("utf-8"))["model_type"] == MODEL_TYPE
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # not there, or another library's
    return path if is_ours else None


def read_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`, its weights not yet read."""
    path = _description(folder)
    mend = "Pass the folder that `earshot run` wrote."
    if path is None:
        raise EarShotError(
            got=f"{folder}, which has no {CONFIG_NAME}",
            expected="a run folder of EarShot",
            mend=mend,
        )
    try:
        facts = json.loads(path.read_text("utf-8"))
        facts = facts[MODEL_TYPE] if path.name == HUB_CONFIG_NAME else facts
        recipe, config, extra = facts["recipe"], facts["config"], facts.get("extra", {})
        parts = (recipe, str), (config, dict), (extra, dict), (facts.get("format", 0), int)
        if not all(isinstance(part, kind) for part, kind in parts):
            raise TypeError("recipe, config, extra or format of another type")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path}, which is not a checkpoint's description ({fault!r})",
            expected="JSON with recipe and config",
            mend=mend,
        ) from fault
    if facts.get("format", 0) > FORMAT:
        raise EarShotError(
            got=f"{path} of format {facts['format']}",
            expected=f"at most {FORMAT}",
            mend="Update EarShot: that checkpoint was written by a newer one.",
        )
    return Checkpoint(folder, recipe, config, extra)
