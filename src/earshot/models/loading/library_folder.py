"""Reading a folder that `transformers` saved: its JSON, its weights in one file or several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.models.loading.weights import read_safetensors, read_torch, tensors_of

CONFIG, WEIGHTS, PICKLED = "config.json", "model.safetensors", "pytorch_model.bin"
SHARDS = "model.safetensors.index.json"
FRONT_END, PROCESSOR = "preprocessor_config.json", "processor_config.json"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("not an object")
    except (OSError, ValueError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path}: {fault}", expected="a JSON object", mend="Copy the file again."
        ) from fault
    return facts


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of one file or of several shards."""
    if (folder / WEIGHTS).is_file():
        return read_safetensors(folder / WEIGHTS)
    if (folder / SHARDS).is_file():
        names = sorted(set(read_json(folder / SHARDS).get("weight_map", {}).values()))
        inside = [name for name in names if Path(name).name == name]
        return {k: t for name in inside for k, t in read_safetensors(folder / name).items()}
    if (folder / PICKLED).is_file():
        return tensors_of(read_torch(folder / PICKLED), folder / PICKLED)
    raise EarShotError(
        got=f"{folder} without weights",
        expected=f"{WEIGHTS}, {SHARDS} or {PICKLED} beside its {CONFIG}",
        mend="Copy the whole directory.",
    )


def front_end_facts(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The feature extractor's settings and their file; {} where the directory has none."""
    joint = folder / PROCESSOR  # where transformers 5 keeps them, beside the tokenizer's
    if joint.is_file():
        facts = read_json(joint).get("feature_extractor")
        if isinstance(facts, dict):
            return joint, facts
    path = folder / FRONT_END
    return path, read_json(path) if path.is_file() else {}
