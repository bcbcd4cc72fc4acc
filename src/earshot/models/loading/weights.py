"""Reading checkpoint files as data, and placing their tensors into a model."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError

# Buffers that follow from a model's sizes: a file may lack them, or bring old copies of them.
DERIVED = (
    "position_ids",
    "token_type_ids",
    "relative_position_index",
    "num_batches_tracked",
    "attn_mask",
    ".attn.bias",
    ".attn.masked_bias",
)


def read_torch(path: Path) -> Any:
    """What a `torch.save` file holds: tensors, numbers, words, lists and dicts; nothing else.

    Anything that would run code, or build an object of a class, is refused before it does.
    """
    scalar = np.float64(0.0).__reduce__()[0]  # training loops leave their last loss in the file
    numbers = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype]
    numbers += [type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32)]
    mend = "Download it again from its authors; convert files of unknown origin to safetensors."
    try:
        with torch.serialization.safe_globals(numbers), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols: what cannot be read is refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        raise EarShotError(
            got=f"{path}, which holds more than data, or is damaged ({_first_line(fault)})",
            expected="a file of tensors",
            mend="Nothing of it was run. " + mend,
        ) from fault
    except Exception as fault:  # damaged bytes lead the reader into errors of every kind
        raise EarShotError(
            got=f"{path}: {_first_line(fault)}", expected="a whole checkpoint file", mend=mend
        ) from fault


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as fault:
        raise EarShotError(
            got=f"{path}: {_first_line(fault)}",
            expected="a whole safetensors file",
            mend="Download it again; this one is cut short or damaged.",
        ) from fault


def tensors_of(value: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in what was read: bare, or under "state_dict" or "model"."""
    for name in ("state_dict", "model"):
        if isinstance(value, Mapping) and isinstance(value.get(name), Mapping):
            value = value[name]
    tensors = (
        {str(name): tensor for name, tensor in value.items() if isinstance(tensor, Tensor)}
        if isinstance(value, Mapping)
        else {}
    )
    if not tensors:
        raise EarShotError(
            got=f"{path}, which holds no tensors by name",
            expected="a state dict, bare or under 'state_dict' or 'model'",
            mend="Pass a model's checkpoint, not an optimiser's or a data file.",
        )
    repeated = [name for name, tensor in tensors.items() if _repeats(tensor)]
    if repeated:
        raise EarShotError(
            got=f"{path} with {repeated[0]}, which repeats few numbers as a huge tensor",
            expected="tensors that hold all their numbers",
            mend="No training writes such files: get it from its authors.",
        )
    prefix = "module."  # left by data-parallel training
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


@dataclass
class Placement:
    """Tensors under the names they have here, and how they came to them."""

    state: dict[str, Tensor] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)  # name here -> key in the file
    unexpected: list[str] = field(default_factory=list)

    def put(self, old: str, new: Mapping[str, Tensor]) -> None:
        """The file's key `old` goes to each name of `new`; nowhere when there is none."""
        self.state.update(new)
        self.origin.update(dict.fromkeys(new, old))
        if not new:
            self.unexpected.append(old)

    def used(self, old: str, new: str) -> None:
        """The file's key `old` was used for `new` already, outside the state dict."""
        self.origin[new] = old

    @property
    def renamed(self) -> dict[str, str]:
        """Key in the file -> the names here that it went to."""
        names: dict[str, list[str]] = {}
        for new, old in self.origin.items():
            names.setdefault(old, []).append(new)
        return {old: ", ".join(news) for old, news in names.items()}

    def place_into(self, model: nn.Module, path: Path) -> tuple[str, ...]:
        """Copy every tensor into the model; give the harmless names that the file lacked.

        Raises EarShotError when weights are missing or of another shape.
        """
        own = model.state_dict()
        for name in [name for name in self.state if name not in own]:
            self.unexpected.append(self.origin.pop(name))
            del self.state[name]
        wrong = [
            f"{self.origin[name]} {list(tensor.shape)} for {list(own[name].shape)}"
            for name, tensor in self.state.items()
            if tensor.shape != own[name].shape and not _is_derived(name)
        ]
        missing = [name for name in own if name not in self.state]
        needed = [name for name in missing if not _is_derived(name)]
        if wrong or needed:
            faults = wrong or needed
            shown = ", ".join(faults[:4]) + (f" and {len(faults) - 4} more" if faults[4:] else "")
            raise EarShotError(
                got=f"{path} {'with weights of another shape' if wrong else 'without'}: {shown}",
                expected="every weight of the model that its other keys describe",
                mend="The file is incomplete or of a variant that EarShot does not know.",
            )
        fits = {name: t for name, t in self.state.items() if t.shape == own[name].shape}
        model.load_state_dict(fits, strict=False)
        return tuple(missing)


def depth_of(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many layers there are under a prefix such as "encoder.layers."."""
    named = (name.removeprefix(prefix) for name in state if name.startswith(prefix))
    return len({name.partition(".")[0] for name in named})


def _repeats(tensor: Tensor) -> bool:
    """Whether a tensor is larger than what the file holds of it: the model would be as large."""
    return tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()


def _is_derived(name: str) -> bool:
    return name.endswith(DERIVED) or ".global_att2." in name


def _first_line(fault: BaseException) -> str:
    text = str(fault).strip()
    return text.partition("\n")[0][:200] if text else type(fault).__name__
